{# Lower edges of the wait buckets, seconds: the same as pipeline/domain/wait_histogram.py; a test
   compares. #}
{% macro wait_edges_s() -%}
  {{ return([
    0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128,
    160, 192, 224, 256, 320, 384, 448, 512, 640, 768, 896, 1024,
  ]) }}
{%- endmacro %}
