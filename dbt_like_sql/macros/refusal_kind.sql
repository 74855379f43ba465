{% macro refusal_kind(reason) -%}
  case
    {%- for kind, words in refusal_words().items() %}
    when lower({{ reason }}) in ('{{ words | join("', '") }}') then '{{ kind }}'
    {%- endfor %}
    else 'other'
  end
{%- endmacro %}
