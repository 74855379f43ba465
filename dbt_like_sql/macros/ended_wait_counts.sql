{# How waits ended, of legs or of units: all that counts them has these, in this order. #}
{% macro ended_wait_counts() -%}
    count(*) filter (where counts_as = 'answered') as answered,
    count(*) filter (where counts_as = 'answered' and is_within) as answered_within,
    count(*) filter (where counts_as = 'abandoned') as abandoned,
    count(*) filter (where counts_as = 'abandoned' and is_within) as abandoned_within,
    count(*) filter (where counts_as = 'abandoned' and is_short_abandon) as abandoned_short,
    count(*) filter (where counts_as = 'flowed_out') as flowed_out
{%- endmacro %}
