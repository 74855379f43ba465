"""The client's figures beside ours: import, matching, classes of variance, money, evidence.

mapping       what the columns of a client's file mean (YAML, schema in schemas/)
text_table    CSV, Excel or Parquet as a table of texts with line numbers
figures       texts to typed rows; every problem with file and line
imported      the client's rows at rest, whole or not at all
ours          our legs and prices, out of the published month
money         what each row of either side is worth under the contract, in exact integers
match         one to one, best first
cases         rows that are about the same call, and what makes them differ
classes       exactly one class for each variance
bridge        from their total to ours, class by class and line by line
evidence      the rows of both sides and the raw events, for one dispute
client        all of it, in order
"""
