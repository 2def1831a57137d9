"""Run what a model wrote (SQL) where it can do no harm: a walled-in process that forks once a query."""
