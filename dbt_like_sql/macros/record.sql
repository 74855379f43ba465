{# A record of named expressions; records compare field by field, in order. #}
{% macro record(fields) -%}
  {{ return(adapter.dispatch('record')(fields)) }}
{%- endmacro %}

{% macro duckdb__record(fields) -%}
  struct_pack(
    {%- for name, value in fields.items() -%}
      {{ name }} := {{ value }}{{ '' if loop.last else ', ' }}
    {%- endfor -%}
  )
{%- endmacro %}

{% macro spark__record(fields) -%}
  named_struct(
    {%- for name, value in fields.items() -%}
      '{{ name }}', {{ value }}{{ '' if loop.last else ', ' }}
    {%- endfor -%}
  )
{%- endmacro %}

{# The last value so far that is not NULL; an `over (...)` follows. #}
{% macro last_known(value) -%}
  {{ return(adapter.dispatch('last_known')(value)) }}
{%- endmacro %}

{% macro duckdb__last_known(value) -%}
  last_value({{ value }} ignore nulls)
{%- endmacro %}

{% macro spark__last_known(value) -%}
  last_value({{ value }}) ignore nulls
{%- endmacro %}

{# The first value from here on that is not NULL; an `over (...)` follows. #}
{% macro first_known(value) -%}
  {{ return(adapter.dispatch('first_known')(value)) }}
{%- endmacro %}

{% macro duckdb__first_known(value) -%}
  first_value({{ value }} ignore nulls)
{%- endmacro %}

{% macro spark__first_known(value) -%}
  first_value({{ value }}) ignore nulls
{%- endmacro %}
