/*
 * Apache's per-folder settings.
 */

rule htaccess_runs_images
{
    meta:
        because = "it makes the web server run pictures or texts as PHP"
        weight = 85
    strings:
        $a = /(AddHandler|AddType)\s+[^\n]{0,60}php[^\n]{0,60}\s\.?(jpe?g|gif|png|ico|bmp|txt|css|js|html?|svg|log)\b/ nocase
        $b = /<Files(Match)?\s+[^>\n]{0,80}(jpe?g|gif|png|ico|bmp|txt|css|svg)[^>\n]{0,40}>\s*(\n\s*)*(SetHandler|ForceType)\s+[^\n]{0,60}php/ nocase
    condition:
        any of them
}

rule htaccess_prepends
{
    meta:
        because = "it has PHP run another file before or after every page"
        weight = 30
    strings:
        $a = /php_value\s+auto_(prepend|append)_file\s+["']?[^"'\s]{1,200}/ nocase
        $none = /php_value\s+auto_(prepend|append)_file\s+["']?none/ nocase
    condition:
        #a > #none
}
