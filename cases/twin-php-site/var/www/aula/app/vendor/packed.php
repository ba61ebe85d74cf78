<?php
namespace Packed;

/** Labels of pages; packed by the build, like the tables of many libraries. */
function label(string $key): string
{
    static $table;
    $table ??= json_decode(gzinflate(base64_decode('q1bKyM9NVbJSCshPTi3JS1TSUSrIScwDCgQlFhfkF6WmAEUSk/JLS4BC/gp5ibmJSrUA')) ?: '{}', true) ?: [];
    return $table[$key] ?? $key;
}
