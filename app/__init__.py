"""What is true in every process, and the REST API. `workers` imports `app`; `app` never imports `workers`."""
