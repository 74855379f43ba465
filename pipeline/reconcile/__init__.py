"""The client's figures beside ours: import, matching, classes of variance, money, evidence.

mapping         what the columns of a client's file mean (YAML, schema in schemas/)
text_table      CSV, Excel or Parquet as a table of texts with line numbers
reading         texts by meaning, and what is wrong or odd about them
instants        texts to instants; figures: to durations and words of ours
pseudonyms      callers' numbers to the keyed hash that our legs carry
imported        a file of calls to typed rows; imported_sums: a file of sums
kept            the client's rows at rest, whole or not at all
ours            our legs and prices, out of the published month
money           what each row of either side is worth under the contract, in exact integers
match           one to one, best first
cases           rows that are about the same call
facts           what differs in each case, and what it may come from
classes         exactly one class for each variance
sums            sums of days and queues: which reading of ours makes them theirs
bridge          from their total to ours, class by class and line by line
variances       every variance as a file; evidence: workbooks for disputes
hints           what the mapping may lack
client          all of it, in order
"""
