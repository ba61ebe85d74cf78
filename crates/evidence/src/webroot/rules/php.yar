/*
 * What planted PHP does and unmodified software does not, or hardly.
 *
 * These run over the code of a file alone: what stands outside of PHP tags and all comments are
 * blanks by then. `weight` is how much the rule alone says that the file was planted, in
 * hundredths; `because` is the sentence for people. A rule describes behaviour, not a product.
 */

rule eval_decoded
{
    meta:
        because = "it decodes hidden code and runs it at once"
        weight = 85
    strings:
        $a = /\b(eval|assert)\s*\(\s*(\(\s*|@\s*|"\?>"\s*\.\s*|'\?>'\s*\.\s*)*(base64_decode|gzinflate|gzuncompress|gzdecode|str_rot13|convert_uudecode|strrev|rawurldecode|urldecode|hex2bin)\s*\(/ nocase
    condition:
        $a
}

rule eval_variable_of_decoded
{
    meta:
        because = "it decodes a long hidden text and the file runs texts as code"
        weight = 60
    strings:
        $eval = /\b(eval|assert)\s*\(\s*(@\s*)?\$[A-Za-z_0-9]{1,40}\s*(\(|\)|;)/ nocase
        $chain = /\b(gzinflate|gzuncompress|gzdecode|str_rot13|strrev)\s*\(\s*(@\s*)?(base64_decode|str_rot13|strrev|gzinflate)\s*\(/ nocase
        $blob = /\b(base64_decode|hex2bin|convert_uudecode)\s*\(\s*["'][A-Za-z0-9+\/=]{300}/ nocase
    condition:
        $eval and any of ($chain, $blob)
}

rule eval_of_variable_function
{
    meta:
        because = "it runs as code what a function whose name stands in a variable makes of a text"
        weight = 80
    strings:
        $a = /\b(eval|assert)\s*\(\s*(@\s*)?\$[A-Za-z_][A-Za-z_0-9]{0,30}\s*\(\s*(\$[A-Za-z_][A-Za-z_0-9]{0,30}\s*\(|["'][A-Za-z0-9+\/=]{40})/ nocase
    condition:
        $a
}

rule eval_request
{
    meta:
        because = "it runs code that a visitor sends"
        weight = 95
    strings:
        $a = /\b(eval|assert|create_function)\s*\(\s*[^;"']{0,60}\$_(POST|GET|REQUEST|COOKIE|FILES)\b/ nocase
        $b = /\bcreate_function\s*\(\s*["'][^"']{0,60}["']\s*,\s*[^;]{0,60}(\$_(POST|GET|REQUEST|COOKIE)|base64_decode|gzinflate|str_rot13)\b/ nocase
        $c = /\beval\s*\(\s*["']\?>["']\s*\.\s*\$_(POST|GET|REQUEST|COOKIE)\b/ nocase
        $d = /\$HTTP_RAW_POST_DATA\s*\)\s*;?\s*eval|\beval\s*\(\s*file_get_contents\s*\(\s*["']php:\/\/input/ nocase
    condition:
        any of them
}

rule command_request
{
    meta:
        because = "it runs a command that a visitor sends"
        weight = 90
    strings:
        $a = /\b(system|exec|shell_exec|passthru|popen|proc_open|pcntl_exec)\s*\(\s*(@\s*)?((base64_decode|stripslashes|urldecode|trim|str_rot13)\s*\(\s*)?\$_(POST|GET|REQUEST|COOKIE)\s*\[/ nocase
        $b = /`\s*\$\{?_(POST|GET|REQUEST|COOKIE)\s*\[/ nocase
    condition:
        any of them
}

rule function_from_request
{
    meta:
        because = "it calls whatever function a visitor names"
        weight = 90
    strings:
        $a = /(^|[^A-Za-z_>:$])\$_(POST|GET|REQUEST|COOKIE)\s*\[\s*["']?[^\]"']{1,40}["']?\s*\]\s*\(/ nocase
        $b = /\b(call_user_func|call_user_func_array|array_map|register_shutdown_function)\s*\(\s*(@\s*)?\$_(POST|GET|REQUEST|COOKIE)\s*\[/ nocase
        $c = /\b(array_filter|usort|uasort|uksort|array_walk)\s*\(\s*[^;,]{1,60},\s*(@\s*)?\$_(POST|GET|REQUEST|COOKIE)\s*\[/ nocase
    condition:
        any of them
}

rule include_request
{
    meta:
        because = "it includes a file that a visitor names, or that lies in a temporary folder"
        weight = 60
    strings:
        $a = /\b(include|require)(_once)?\s*\(?\s*(@\s*)?\$_(POST|GET|REQUEST|COOKIE)\s*\[[^\]]{1,40}\]\s*\)?\s*;/ nocase
        $b = /(^|[;{}\s])@?\s*(include|require)(_once)?\s*\(?\s*["']\/(tmp|var\/tmp|dev\/shm)\/[^"']{1,100}["']/ nocase
        $c = /@\s*(include|require)(_once)?\s*\(?\s*"[^"]{0,100}\\(x[0-9a-f]{2}|[01][0-7]{2})[^"]{0,40}\\(x[0-9a-f]{2}|[01][0-7]{2})/ nocase
        $d = /\b(include|require)(_once)?\s*\(?\s*["'][^"'\n]{1,200}\.(ico|jpg|jpeg|png|gif)["']/ nocase
    condition:
        any of them
}

rule preg_replace_e_request
{
    meta:
        because = "it runs the outcome of a replacement as code (/e) over what a visitor sends or what it decodes"
        weight = 85
    strings:
        $a = /preg_replace\s*\(\s*["'][\/#~@|!%].{0,120}[\/#~@|!%][imsxuADSUX]{0,6}e[imsxuADSUX]{0,6}["']\s*,\s*[^;]{0,160}(\$_(POST|GET|REQUEST|COOKIE)\b|base64_decode|gzinflate|str_rot13|\\x65\\x76\\x61\\x6c)/ nocase
        $b = /preg_replace\s*\(\s*\$_(POST|GET|REQUEST|COOKIE)\s*\[/ nocase
    condition:
        any of them
}

rule preg_replace_e
{
    meta:
        because = "it runs the outcome of a replacement as code (/e), as old software did too"
        weight = 10
    strings:
        $a = /preg_replace\s*\(\s*["'][\/#~@|!%].{0,120}[\/#~@|!%][imsxu]{0,6}e[imsxu]{0,6}["']\s*,/ nocase
    condition:
        $a
}

rule hidden_names
{
    meta:
        because = "it writes names of functions as escapes or in pieces, so that nobody finds them"
        weight = 70
    strings:
        // ${"\x47\x4c..."} and "\x62\141\x73\145": letters written as escapes, both ways mixed.
        $a = /\$\{\s*["']\\(x[4-7][0-9a-f]|1[0-7]{2})(\\(x[4-7][0-9a-f]|1[0-7]{2})|[A-Za-z_]){3}/ nocase
        $b = /(\\x[4-7][0-9a-f][A-Za-z_]{0,2}\\1[0-7]{2}[A-Za-z_]{0,2}){2}/ nocase
        $c = /["'](\\x[4-7][0-9a-f]){4,30}["']\s*\(/ nocase
        $e = /["'](ev|e)["']\s*\.\s*["'](al|val)["']/ nocase
        $f = /["'](as|ass|a)["']\s*\.\s*["'](sert|ert|ssert)["']/ nocase
        $g = /["']edoced_46esab["']|["']etalfnizg["']|["']tressa["']/ nocase
    condition:
        any of them
}

rule hidden_names_in_pieces
{
    meta:
        because = "it joins names of functions from pieces of text or single letters of a text"
        weight = 65
    strings:
        $d = /["']b(["']\s*\.\s*["'])?a(["']\s*\.\s*["'])?s(["']\s*\.\s*["'])?e(["']\s*\.\s*["'])?6(["']\s*\.\s*["'])?4(["']\s*\.\s*["'])?_(["']\s*\.\s*["'])?d(["']\s*\.\s*["'])?e(["']\s*\.\s*["'])?c(["']\s*\.\s*["'])?o(["']\s*\.\s*["'])?d(["']\s*\.\s*["'])?e["']/ nocase
        $whole = /["']base64_decode["']/ nocase
        $letters = /(\$[A-Za-z_][A-Za-z_0-9]{0,20}(\[\s*[0-9]{1,3}\s*\]|\{\s*[0-9]{1,3}\s*\})\s*\.\s*){6}/
        // Colours and dates take digits 0 to 9 apart; an alphabet is longer.
        $far = /\$[A-Za-z_][A-Za-z_0-9]{0,20}(\[\s*[1-9][0-9]{1,2}\s*\]|\{\s*[1-9][0-9]{1,2}\s*\})\s*\./
        $strange = /str_replace\s*\(\s*["'][^"']{1,4}["']\s*,\s*["']["']\s*,\s*["'][^"']{0,40}(b[^a-z"']{1,4}a|ba[^s"']{1,4}s)[^"']{0,60}["']\s*\)/ nocase
    condition:
        ($d and not $whole) or ($letters and #far > 2) or $strange
}

rule chr_chain
{
    meta:
        because = "it builds texts letter by letter from numbers"
        weight = 45
    strings:
        $a = /(\bchr\s*\(\s*[0-9]{2,3}\s*([-+^*\/]\s*[0-9]{1,4}\s*)?\)\s*\.\s*){8}/ nocase
        // Tables of bytes stand in classes of libraries; who hides a name has none.
        $class = /(^|\n)\s*(abstract\s+|final\s+)?class\s+[A-Za-z_0-9]+/ nocase
    condition:
        $a and not $class
}

rule variable_function_chain
{
    meta:
        because = "it calls functions whose names stand in variables, one inside the other"
        weight = 40
    strings:
        $a = /(^|[^>:A-Za-z_0-9$])\$[A-Za-z_][A-Za-z_0-9]{0,30}\s*\(\s*\$[A-Za-z_][A-Za-z_0-9]{0,30}\s*\(\s*(\$[A-Za-z_][A-Za-z_0-9]{0,30}\s*\(|["'][A-Za-z0-9+\/=]{80})/
    condition:
        $a
}

rule goto_maze
{
    meta:
        because = "its statements are shuffled with goto so that nobody can follow them"
        weight = 55
    strings:
        $a = /goto\s+[A-Za-z0-9_]{4,8}\s*;\s*[A-Za-z0-9_]{4,8}\s*:/ nocase
    condition:
        #a > 6
}

rule deletes_itself
{
    meta:
        because = "it deletes itself after its work"
        weight = 35
    strings:
        $a = /\bunlink\s*\(\s*(__FILE__|\$_SERVER\s*\[\s*["'](SCRIPT_FILENAME|PATH_TRANSLATED)["']\s*\]|preg_replace\s*\(\s*["'].{1,40}["']\s*,\s*["']["']\s*,\s*__FILE__)/ nocase
    condition:
        $a
}

rule upload_anything
{
    meta:
        because = "it is little more than a form that stores any file under the name a visitor gives"
        weight = 55
    strings:
        $a = /\b(move_uploaded_file|copy)\s*\(\s*\$_FILES\s*\[[^\]]{1,40}\]\s*\[\s*["']tmp_name["']\s*\]\s*,\s*[^;]{0,80}(\$_FILES\s*\[[^\]]{1,40}\]\s*\[\s*["']name["']\s*\]|\$_(POST|GET|REQUEST)\s*\[)/ nocase
    condition:
        $a and filesize < 4KB
}

rule writes_decoded_file
{
    meta:
        because = "it writes a file from what a visitor sends"
        weight = 70
    strings:
        $a = /\b(file_put_contents|fwrite|fputs)\s*\(\s*[^;]{1,80},\s*(@\s*)?((base64_decode|stripslashes|urldecode|gzinflate)\s*\(\s*)+\$_(POST|GET|REQUEST|COOKIE)\s*\[/ nocase
        $b = /\bfile_put_contents\s*\(\s*(@\s*)?((base64_decode|urldecode)\s*\(\s*)?\$_(POST|GET|REQUEST|COOKIE)\s*\[[^;]{1,60},/ nocase
    condition:
        any of them
}

rule hides_errors_and_limits
{
    meta:
        because = "it silences errors and lifts limits before it reads what a visitor sends, and runs code from text"
        weight = 40
    strings:
        $quiet = /(error_reporting\s*\(\s*0\s*\)|ini_set\s*\(\s*["']display_errors["']\s*,\s*(0|["']0["']|["']off["'])\s*\))/ nocase
        $limits = /set_time_limit\s*\(\s*0\s*\)/ nocase
        $log = /ini_set\s*\(\s*["'](error_log|log_errors)["']\s*,\s*(null|0|["']["']|["']0["'])\s*\)/ nocase
        $eval = /\beval\s*\(\s*(@\s*)?\$/ nocase
        $request = /\$_(POST|REQUEST|COOKIE)\b/ nocase
    condition:
        ($quiet or $log) and $limits and $eval and $request
}

rule code_in_cookie_or_header
{
    meta:
        because = "it takes a password or code from a cookie or header, hashes it and goes on only for its owner"
        weight = 45
    strings:
        $a = /if\s*\(\s*(@\s*)?(md5|sha1)\s*\(\s*(@\s*)?\$_(POST|GET|REQUEST|COOKIE|SERVER)\s*\[[^\]]{1,60}\]\s*\)\s*={2,3}\s*["'][0-9a-f]{32,40}["']/ nocase
        $b = /["'][0-9a-f]{32,40}["']\s*={2,3}\s*(md5|sha1)\s*\(\s*(@\s*)?\$_(POST|GET|REQUEST|COOKIE|SERVER)\s*\[/ nocase
    condition:
        any of them
}
