"""What a row asks to be done with the text it holds, in the row's own language, so that no model has to word it."""

# ruff: noqa: E501

KEYS = (
    "paragraph", "bullets", "one_line", "executive", "extractive", "sentences", "words",
    "label", "labels", "list",
    "plain", "formal", "simple", "casual", "short",
    "json",
)  # fmt: skip

# One line for each of KEYS, in their order.
_WORDINGS = {
    "en": """
        Summarise the following text in your own words.
        Summarise the following text as a list of points.
        Summarise the following text in one sentence.
        Write an executive summary of the following text: the most important result first, then what it rests on.
        Summarise the following text by its most important sentences, copied word for word.
        Number of sentences: at most {}.
        Number of words: at most {}.
        Which of these labels fits the following text? Answer with the label alone.
        Which of these labels fit the following text? Answer with all that fit, separated by commas.
        Labels:
        Say this in other words.
        Say this in other words, in formal language.
        Say this in simpler words.
        Say this in other words, as in an everyday conversation.
        Say this in fewer words.
        Extract what the following text says as JSON by this schema. Write null for what it does not say.""",
    "ru": """
        Изложи следующий текст кратко, своими словами.
        Изложи следующий текст кратко, в виде списка пунктов.
        Изложи следующий текст одним предложением.
        Напиши резюме следующего текста для руководителя: сначала самый важный вывод, затем то, на чём он основан.
        Передай суть следующего текста его главными предложениями, дословно.
        Количество предложений: не более {}.
        Количество слов: не более {}.
        Какая из этих меток подходит к следующему тексту? Ответь только меткой.
        Какие из этих меток подходят к следующему тексту? Назови все подходящие через запятую.
        Метки:
        Скажи это другими словами.
        Скажи это другими словами, официальным языком.
        Скажи это более простыми словами.
        Скажи это другими словами, как в обычном разговоре.
        Скажи это короче.
        Извлеки из следующего текста то, что в нём сказано, в виде JSON по этой схеме. Пиши null, если чего-то в нём нет.""",
    "de": """
        Fasse den folgenden Text mit eigenen Worten zusammen.
        Fasse den folgenden Text als Liste von Punkten zusammen.
        Fasse den folgenden Text in einem Satz zusammen.
        Schreibe eine Zusammenfassung des folgenden Textes für die Leitung: zuerst das wichtigste Ergebnis, dann die Gründe.
        Fasse den folgenden Text mit seinen wichtigsten Sätzen zusammen, wörtlich übernommen.
        Anzahl der Sätze: höchstens {}.
        Anzahl der Wörter: höchstens {}.
        Welche dieser Kategorien passt zu dem folgenden Text? Antworte nur mit der Kategorie.
        Welche dieser Kategorien passen zu dem folgenden Text? Nenne alle, die passen, durch Kommas getrennt.
        Kategorien:
        Sage das mit anderen Worten.
        Sage das mit anderen Worten, in förmlicher Sprache.
        Sage das in einfacheren Worten.
        Sage das mit anderen Worten, wie in einem Alltagsgespräch.
        Sage das kürzer.
        Gib als JSON nach diesem Schema an, was der folgende Text sagt. Schreibe null, wo er nichts sagt.""",
    "fr": """
        Résumez le texte suivant avec vos propres mots.
        Résumez le texte suivant sous forme de liste de points.
        Résumez le texte suivant en une phrase.
        Rédigez une synthèse du texte suivant pour la direction : d'abord le résultat le plus important, puis ses raisons.
        Résumez le texte suivant par ses phrases les plus importantes, copiées mot pour mot.
        Nombre de phrases : {} au plus.
        Nombre de mots : {} au plus.
        Laquelle de ces étiquettes convient au texte suivant ? Répondez par l'étiquette seule.
        Lesquelles de ces étiquettes conviennent au texte suivant ? Donnez-les toutes, séparées par des virgules.
        Étiquettes :
        Dites cela autrement.
        Dites cela autrement, dans une langue soutenue.
        Dites cela avec des mots plus simples.
        Dites cela autrement, comme dans une conversation de tous les jours.
        Dites cela plus brièvement.
        Extrayez ce que dit le texte suivant en JSON selon ce schéma. Écrivez null pour ce qu'il ne dit pas.""",
    "es": """
        Resume el siguiente texto con tus propias palabras.
        Resume el siguiente texto en una lista de puntos.
        Resume el siguiente texto en una frase.
        Escribe un resumen ejecutivo del siguiente texto: primero el resultado más importante y después sus razones.
        Resume el siguiente texto con sus frases más importantes, copiadas palabra por palabra.
        Número de frases: {} como máximo.
        Número de palabras: {} como máximo.
        ¿Cuál de estas etiquetas corresponde al siguiente texto? Responde solo con la etiqueta.
        ¿Cuáles de estas etiquetas corresponden al siguiente texto? Indica todas, separadas por comas.
        Etiquetas:
        Dilo con otras palabras.
        Dilo con otras palabras, en lenguaje formal.
        Dilo con palabras más sencillas.
        Dilo con otras palabras, como en una conversación cotidiana.
        Dilo con menos palabras.
        Extrae lo que dice el siguiente texto como JSON según este esquema. Escribe null en lo que no dice.""",
    "it": """
        Riassumi il testo seguente con parole tue.
        Riassumi il testo seguente in un elenco di punti.
        Riassumi il testo seguente in una frase.
        Scrivi una sintesi del testo seguente per la direzione: prima il risultato più importante, poi le sue ragioni.
        Riassumi il testo seguente con le sue frasi più importanti, copiate parola per parola.
        Numero di frasi: al massimo {}.
        Numero di parole: al massimo {}.
        Quale di queste etichette è adatta al testo seguente? Rispondi con la sola etichetta.
        Quali di queste etichette sono adatte al testo seguente? Indicale tutte, separate da virgole.
        Etichette:
        Dillo con altre parole.
        Dillo con altre parole, in linguaggio formale.
        Dillo con parole più semplici.
        Dillo con altre parole, come in una conversazione quotidiana.
        Dillo con meno parole.
        Estrai ciò che dice il testo seguente come JSON secondo questo schema. Scrivi null per ciò che non dice.""",
    "pt": """
        Resuma o texto seguinte com as suas próprias palavras.
        Resuma o texto seguinte numa lista de pontos.
        Resuma o texto seguinte numa frase.
        Escreva um sumário executivo do texto seguinte: primeiro o resultado mais importante, depois as suas razões.
        Resuma o texto seguinte pelas suas frases mais importantes, copiadas palavra por palavra.
        Número de frases: no máximo {}.
        Número de palavras: no máximo {}.
        Qual destas etiquetas se aplica ao texto seguinte? Responda apenas com a etiqueta.
        Quais destas etiquetas se aplicam ao texto seguinte? Indique todas, separadas por vírgulas.
        Etiquetas:
        Diga isto por outras palavras.
        Diga isto por outras palavras, em linguagem formal.
        Diga isto com palavras mais simples.
        Diga isto por outras palavras, como numa conversa do dia a dia.
        Diga isto com menos palavras.
        Extraia o que diz o texto seguinte em JSON segundo este esquema. Escreva null para o que não diz.""",
    "nl": """
        Vat de volgende tekst in eigen woorden samen.
        Vat de volgende tekst samen als een lijst van punten.
        Vat de volgende tekst samen in één zin.
        Schrijf een managementsamenvatting van de volgende tekst: eerst het belangrijkste resultaat, dan de redenen.
        Vat de volgende tekst samen met de belangrijkste zinnen, woordelijk overgenomen.
        Aantal zinnen: hoogstens {}.
        Aantal woorden: hoogstens {}.
        Welk van deze labels past bij de volgende tekst? Antwoord alleen met het label.
        Welke van deze labels passen bij de volgende tekst? Noem ze allemaal, gescheiden door komma's.
        Labels:
        Zeg dit in andere woorden.
        Zeg dit in andere woorden, in formele taal.
        Zeg dit in eenvoudigere woorden.
        Zeg dit in andere woorden, zoals in een alledaags gesprek.
        Zeg dit in minder woorden.
        Geef als JSON volgens dit schema wat de volgende tekst zegt. Schrijf null voor wat er niet staat.""",
    "pl": """
        Streść poniższy tekst własnymi słowami.
        Streść poniższy tekst w postaci listy punktów.
        Streść poniższy tekst w jednym zdaniu.
        Napisz streszczenie poniższego tekstu dla kierownictwa: najpierw najważniejszy wniosek, potem to, na czym się opiera.
        Streść poniższy tekst jego najważniejszymi zdaniami, przepisanymi słowo w słowo.
        Liczba zdań: najwyżej {}.
        Liczba słów: najwyżej {}.
        Która z tych etykiet pasuje do poniższego tekstu? Odpowiedz samą etykietą.
        Które z tych etykiet pasują do poniższego tekstu? Podaj wszystkie, oddzielone przecinkami.
        Etykiety:
        Powiedz to innymi słowami.
        Powiedz to innymi słowami, językiem oficjalnym.
        Powiedz to prostszymi słowami.
        Powiedz to innymi słowami, jak w codziennej rozmowie.
        Powiedz to krócej.
        Wypisz jako JSON według tego schematu to, co mówi poniższy tekst. Wpisz null tam, gdzie nic nie mówi.""",
    "uk": """
        Виклади наступний текст коротко, своїми словами.
        Виклади наступний текст коротко, у вигляді списку пунктів.
        Виклади наступний текст одним реченням.
        Напиши резюме наступного тексту для керівника: спочатку найважливіший висновок, потім те, на чому він ґрунтується.
        Передай суть наступного тексту його головними реченнями, дослівно.
        Кількість речень: не більше {}.
        Кількість слів: не більше {}.
        Яка з цих міток підходить до наступного тексту? Відповідай лише міткою.
        Які з цих міток підходять до наступного тексту? Назви всі через кому.
        Мітки:
        Скажи це іншими словами.
        Скажи це іншими словами, офіційною мовою.
        Скажи це простішими словами.
        Скажи це іншими словами, як у звичайній розмові.
        Скажи це коротше.
        Подай те, що сказано в наступному тексті, у вигляді JSON за цією схемою. Пиши null, якщо чогось у ньому немає.""",
    "cs": """
        Shrň následující text vlastními slovy.
        Shrň následující text jako seznam bodů.
        Shrň následující text jednou větou.
        Napiš shrnutí následujícího textu pro vedení: nejprve nejdůležitější výsledek, potom jeho důvody.
        Shrň následující text jeho nejdůležitějšími větami, opsanými slovo od slova.
        Počet vět: nejvýše {}.
        Počet slov: nejvýše {}.
        Který z těchto štítků se hodí k následujícímu textu? Odpověz jen štítkem.
        Které z těchto štítků se hodí k následujícímu textu? Uveď všechny, oddělené čárkami.
        Štítky:
        Řekni to jinými slovy.
        Řekni to jinými slovy, spisovným a úředním jazykem.
        Řekni to jednoduššími slovy.
        Řekni to jinými slovy, jako v běžném hovoru.
        Řekni to kratčeji.
        Vypiš jako JSON podle tohoto schématu, co říká následující text. Napiš null tam, kde to neříká.""",
    "sv": """
        Sammanfatta följande text med egna ord.
        Sammanfatta följande text som en lista med punkter.
        Sammanfatta följande text i en mening.
        Skriv en sammanfattning av följande text för ledningen: först det viktigaste resultatet, sedan skälen.
        Sammanfatta följande text med dess viktigaste meningar, ordagrant återgivna.
        Antal meningar: högst {}.
        Antal ord: högst {}.
        Vilken av dessa etiketter passar följande text? Svara med enbart etiketten.
        Vilka av dessa etiketter passar följande text? Svara med alla som passar, åtskilda av kommatecken.
        Etiketter:
        Säg detta med andra ord.
        Säg detta med andra ord, på formellt språk.
        Säg detta med enklare ord.
        Säg detta med andra ord, som i ett vardagligt samtal.
        Säg detta med färre ord.
        Ange som JSON enligt detta schema vad följande text säger. Skriv null för det den inte säger.""",
    "tr": """
        Aşağıdaki metni kendi sözlerinle özetle.
        Aşağıdaki metni maddeler hâlinde özetle.
        Aşağıdaki metni tek cümleyle özetle.
        Aşağıdaki metin için bir yönetici özeti yaz: önce en önemli sonuç, sonra dayandıkları.
        Aşağıdaki metni, kelimesi kelimesine alınmış en önemli cümleleriyle özetle.
        Cümle sayısı: en çok {}.
        Kelime sayısı: en çok {}.
        Bu etiketlerden hangisi aşağıdaki metne uyar? Yalnızca etiketi yaz.
        Bu etiketlerden hangileri aşağıdaki metne uyar? Uyanların hepsini virgülle ayırarak yaz.
        Etiketler:
        Bunu başka sözcüklerle söyle.
        Bunu başka sözcüklerle, resmî bir dille söyle.
        Bunu daha basit sözcüklerle söyle.
        Bunu başka sözcüklerle, gündelik bir konuşmadaki gibi söyle.
        Bunu daha kısa söyle.
        Aşağıdaki metnin söylediklerini bu şemaya göre JSON olarak yaz. Söylemediği şeyler için null yaz.""",
    "ja": """
        次の文章を自分の言葉で要約してください。
        次の文章を箇条書きで要約してください。
        次の文章を一文で要約してください。
        次の文章のエグゼクティブサマリーを書いてください。最も重要な結論を先に、次にその根拠を書いてください。
        次の文章を、その最も重要な文をそのまま抜き出して要約してください。
        文の数:最大{}。
        語数:最大{}。
        次の文章に合うラベルはどれですか。ラベルだけを答えてください。
        次の文章に合うラベルはどれですか。合うものをすべて、コンマで区切って答えてください。
        ラベル:
        これを別の言葉で言ってください。
        これを別の言葉で、改まった表現で言ってください。
        これをもっと簡単な言葉で言ってください。
        これを別の言葉で、日常会話のように言ってください。
        これをもっと短く言ってください。
        次の文章が述べていることを、このスキーマに従ってJSONで抜き出してください。述べられていないものはnullとしてください。""",
    "ko": """
        다음 글을 자신의 말로 요약하세요.
        다음 글을 항목 목록으로 요약하세요.
        다음 글을 한 문장으로 요약하세요.
        다음 글의 경영진용 요약을 쓰세요. 가장 중요한 결론을 먼저, 그 근거를 다음에 쓰세요.
        다음 글을 가장 중요한 문장을 그대로 옮겨 요약하세요.
        문장 수: 최대 {}.
        단어 수: 최대 {}.
        다음 글에 맞는 라벨은 무엇입니까? 라벨만 답하세요.
        다음 글에 맞는 라벨은 무엇입니까? 맞는 것을 모두 쉼표로 구분하여 답하세요.
        라벨:
        이것을 다른 말로 표현하세요.
        이것을 다른 말로, 격식 있게 표현하세요.
        이것을 더 쉬운 말로 표현하세요.
        이것을 다른 말로, 일상 대화처럼 표현하세요.
        이것을 더 짧게 표현하세요.
        다음 글이 말하는 것을 이 스키마에 따라 JSON으로 추출하세요. 말하지 않은 것은 null로 쓰세요.""",
    "zh": """
        请用自己的话概括下面的文字。
        请用要点列表概括下面的文字。
        请用一句话概括下面的文字。
        请为下面的文字写一份执行摘要:先写最重要的结论,再写其依据。
        请用下面文字中最重要的句子逐字概括它。
        句子数:最多{}。
        词数:最多{}。
        下面的文字适合哪个标签?只回答标签。
        下面的文字适合哪些标签?请回答所有适合的标签,用逗号分隔。
        标签:
        请换一种说法。
        请用正式的语言换一种说法。
        请用更简单的话说。
        请像日常谈话那样换一种说法。
        请用更少的话说。
        请按此模式以JSON提取下面文字所说的内容。没有说的写null。""",
    "ar": """
        لخّص النص التالي بكلماتك الخاصة.
        لخّص النص التالي في قائمة من النقاط.
        لخّص النص التالي في جملة واحدة.
        اكتب ملخصًا تنفيذيًا للنص التالي: أهم نتيجة أولًا، ثم ما تستند إليه.
        لخّص النص التالي بأهم جمله منقولةً حرفيًا.
        عدد الجمل: {} على الأكثر.
        عدد الكلمات: {} على الأكثر.
        أي من هذه التصنيفات يناسب النص التالي؟ أجب بالتصنيف وحده.
        أي من هذه التصنيفات تناسب النص التالي؟ اذكرها كلها مفصولة بفواصل.
        التصنيفات:
        قل هذا بكلمات أخرى.
        قل هذا بكلمات أخرى وبلغة رسمية.
        قل هذا بكلمات أبسط.
        قل هذا بكلمات أخرى كما في حديث يومي.
        قل هذا بكلمات أقل.
        استخرج ما يقوله النص التالي بصيغة JSON وفق هذا المخطط. اكتب null لما لا يقوله.""",
    "hi": """
        निम्नलिखित पाठ का अपने शब्दों में सार लिखिए।
        निम्नलिखित पाठ का सार बिंदुओं की सूची में लिखिए।
        निम्नलिखित पाठ का सार एक वाक्य में लिखिए।
        निम्नलिखित पाठ का कार्यकारी सारांश लिखिए: पहले सबसे महत्वपूर्ण निष्कर्ष, फिर उसके आधार।
        निम्नलिखित पाठ का सार उसके सबसे महत्वपूर्ण वाक्यों को शब्दशः लेकर लिखिए।
        वाक्यों की संख्या: अधिकतम {}।
        शब्दों की संख्या: अधिकतम {}।
        इनमें से कौन-सा लेबल निम्नलिखित पाठ के लिए सही है? केवल लेबल लिखिए।
        इनमें से कौन-से लेबल निम्नलिखित पाठ के लिए सही हैं? सभी को अल्पविराम से अलग करके लिखिए।
        लेबल:
        इसे दूसरे शब्दों में कहिए।
        इसे दूसरे शब्दों में, औपचारिक भाषा में कहिए।
        इसे सरल शब्दों में कहिए।
        इसे दूसरे शब्दों में, रोज़मर्रा की बातचीत की तरह कहिए।
        इसे कम शब्दों में कहिए।
        निम्नलिखित पाठ जो कहता है उसे इस स्कीमा के अनुसार JSON में निकालिए। जो वह नहीं कहता उसके लिए null लिखिए।""",
}

REQUESTS = {
    language: dict(zip(KEYS, [line.strip() for line in told.strip().splitlines()], strict=True))
    for language, told in _WORDINGS.items()
}


def request(language: str, key: str, value: object = "") -> str:
    """The wording of `key` in an ISO 639-1 language; the English one for a language that is not among them."""
    return REQUESTS.get(language, REQUESTS["en"])[key].format(value)
