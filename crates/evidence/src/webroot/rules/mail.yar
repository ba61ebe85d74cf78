/*
 * Code that sends mail. Most of it is legitimate: `mail = true` rules with little weight say only
 * that a file can; the weight is for what mailing tools that were planted do besides.
 */

rule sends_mail
{
    meta:
        because = "it sends mail with PHP's mail function"
        weight = 0
        mail = true
    strings:
        $a = /(^|[^A-Za-z_0-9>$:'"\\])@?\s*(mail|mb_send_mail|imap_mail)\s*\(\s*[^)\s]/ nocase
        $declared = /function\s+&?\s*(mail|mb_send_mail|imap_mail)\s*\(/ nocase
    condition:
        #a > #declared
}

rule sends_mail_by_library
{
    meta:
        because = "it sends mail through a mail library"
        weight = 0
        mail = true
    strings:
        $a = /\bwp_mail\s*\(/ nocase
        $b = /new\s+\\?([A-Za-z_]+\\){0,6}(PHPMailer|Swift_SmtpTransport|Swift_Mailer|Zend_Mail|SmtpMailer)\b/ nocase
        $c = /(EsmtpTransport|Transport::fromDsn|new\s+Mailer)\s*\(/
        $d = /Mail::factory\s*\(/ nocase
        $e = /\b(popen|proc_open|exec|system|shell_exec)\s*\(\s*[^;]{0,60}sendmail\b/ nocase
    condition:
        any of them
}

rule speaks_smtp
{
    meta:
        because = "it speaks SMTP itself over a connection it opens"
        weight = 4
        mail = true
    strings:
        $open = /\b(p?fsockopen|stream_socket_client|socket_connect|socket_create)\s*\(/ nocase
        $helo = /["'](HELO|EHLO)\b/ nocase
        $from = /MAIL FROM\s*:/ nocase
        $rcpt = /RCPT TO\s*:/ nocase
    condition:
        $open and $helo and $from and $rcpt
}

rule mailer_to_exchangers
{
    meta:
        because = "it looks up the mail exchangers of its recipients and delivers to their port 25 itself"
        weight = 45
        mail = true
    strings:
        $mx = /\b(getmxrr|dns_get_mx)\s*\(|DNS_MX\b|nslookup\s+-(q|type|querytype)=mx/ nocase
        $open = /\b(p?fsockopen|stream_socket_client|socket_connect)\s*\(/ nocase
        $rcpt = /RCPT TO\s*:/ nocase
        $data = /["']\s*DATA\s*(\\r\\n|["'])/ nocase
        // A library is made of classes with documentation by its makers; a planted mailer is not.
        $namespace = /(^|\n)\s*namespace\s+[A-Za-z_\\]+\s*;/ nocase
    condition:
        $mx and $open and $rcpt and $data and not $namespace
}

rule mailer_raw_25
{
    meta:
        because = "it opens a connection to port 25 and speaks SMTP with a fixed HELO in one short script"
        weight = 40
        mail = true
    strings:
        $open = /\b(p?fsockopen|stream_socket_client)\s*\(\s*[^;]{0,120}(,\s*25\b|:25["'])/ nocase
        $helo = /["'](HELO|EHLO)\s+[^"'$\s]{1,80}(\\r\\n|["'])/ nocase
        $rcpt = /RCPT TO\s*:/ nocase
        $class = /\bclass\s+[A-Za-z_0-9]+/ nocase
    condition:
        $open and $helo and $rcpt and not $class and filesize < 64KB
}

rule mail_from_request
{
    meta:
        because = "it mails to whom, with what subject and text a visitor says"
        weight = 75
        mail = true
    strings:
        $a = /\bmail\s*\(\s*((base64_decode|stripslashes|urldecode|trim)\s*\(\s*)*\$_(POST|GET|REQUEST|COOKIE)\s*\[[^\]]{1,40}\]\s*\)*\s*,\s*((base64_decode|stripslashes|urldecode|trim)\s*\(\s*)*\$_(POST|GET|REQUEST|COOKIE)\s*\[[^\]]{1,40}\]\s*\)*\s*,\s*((base64_decode|stripslashes|urldecode|trim)\s*\(\s*)*\$_(POST|GET|REQUEST|COOKIE)\s*\[/ nocase
        $b = /\bextract\s*\(\s*\$_(POST|REQUEST|GET)\b[^;]{0,40}\)\s*;[^}]{0,600}\bmail\s*\(\s*\$/ nocase
    condition:
        any of them
}

rule mail_decoded_request
{
    meta:
        because = "it mails what a visitor sends in encoded form: remote-controlled mailing"
        weight = 80
        mail = true
    strings:
        $decode = /\b(base64_decode|gzinflate|str_rot13|unserialize|json_decode)\s*\(\s*(@\s*)?((stripslashes|urldecode|trim|rawurldecode|str_rot13|base64_decode)\s*\(\s*)*\$_(POST|REQUEST|COOKIE)\s*\[/ nocase
        $mail = /(^|[^A-Za-z_0-9>$:'"\\])@?\s*mail\s*\(\s*\$/ nocase
        $socket = /RCPT TO\s*:/ nocase
    condition:
        $decode and ($mail or $socket) and filesize < 200KB
}

rule bulk_mailer_form
{
    meta:
        because = "it splits a pasted list of addresses and mails each without an end of time"
        weight = 65
        mail = true
    strings:
        $list = /\b(explode|split|preg_split)\s*\(\s*["'][^"']{1,10}["']\s*,\s*(trim\s*\(\s*|stripslashes\s*\(\s*)*\$_(POST|REQUEST|FILES)\s*\[\s*["']?[^\]"']{0,30}(mail|list|to|rcpt|recip|addr|dest)[^\]"']{0,20}["']?\s*\]/ nocase
        $split = /\b(explode|split|preg_split)\s*\(\s*["']\/?(\\r)?\\n\/?["']\s*,\s*\$(email|mail|list|to|rcpt|recip|addr|dest|all)[A-Za-z_]{0,20}\s*\)/ nocase
        $limit = /set_time_limit\s*\(\s*0\s*\)|ignore_user_abort\s*\(/ nocase
        $mail = /(^|[^A-Za-z_0-9>$:'"\\])@?\s*mail\s*\(\s*\$|RCPT TO\s*:/ nocase
    condition:
        ($list or $split) and $limit and $mail and filesize < 200KB
}

rule forges_mailer
{
    meta:
        because = "it takes PHP's own mark out of its mails, or forges a mail program's"
        weight = 45
        mail = true
    strings:
        $a = /ini_set\s*\(\s*["']mail\.add_x_header["']\s*,\s*(0|false|["']0["']|["']off["']|["']["'])\s*\)/ nocase
        $b = /X-Mailer:\s*(Microsoft (Office )?Outlook|The Bat!|Apple Mail|Thunderbird|iPhone Mail)/ nocase
        $c = /\$_SERVER\s*\[\s*["'](PHP_SELF|SCRIPT_NAME|REQUEST_URI|SCRIPT_FILENAME)["']\s*\]\s*=\s*[^=;]{1,60};[^}]{0,300}\bmail\s*\(/ nocase
    condition:
        any of them
}
