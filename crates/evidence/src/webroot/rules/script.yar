/*
 * Scripts of other languages: perl, python, shell, ruby, JavaScript for a server.
 */

rule perl_hidden_code
{
    meta:
        because = "perl that unpacks hidden code and runs it"
        weight = 85
    strings:
        $a = /eval\s*\(?\s*unpack\s*\(?\s*u\s*=>/
        $b = /eval\s*\(?\s*(decode_base64|pack\s*\(?\s*['"]H)/
        $c = /exec\s*\(\s*(base64\.b64decode|zlib\.decompress|__import__\(['"]base64)/
        $d = /eval\s*\(\s*(base64\.b64decode|zlib\.decompress|compile\s*\(\s*base64)/
        $e = /eval\s*\(\s*Buffer\.from\s*\([^)]{1,80}base64/
        $f = /base64\s+(-d|--decode)[^\n|]{0,40}\|\s*(ba|da|z)?sh\b/
        $g = /(curl|wget)\s[^\n|;]{1,200}\|\s*(sudo\s+)?(ba|da|z)?sh\s*($|[;&\n])/
    condition:
        any of them
}

rule script_speaks_smtp
{
    meta:
        because = "it speaks SMTP itself over a connection it opens"
        weight = 8
        mail = true
    strings:
        $open = /IO::Socket|socket\s*\(\s*(SOCK|S|\$|PF_INET|AF_INET)|socket\.(socket|create_connection)|net\.(connect|createConnection|Socket)|TCPSocket\.(new|open)|\/dev\/tcp\//
        $from = /MAIL FROM\s*:/ nocase
        $rcpt = /RCPT TO\s*:/ nocase
    condition:
        $open and $from and $rcpt
}

rule script_sends_mail
{
    meta:
        because = "it sends mail through a library or program"
        weight = 0
        mail = true
    strings:
        $a = /\bNet::SMTP\b|\bMail::Sender\b|\bMIME::Lite\b|\bEmail::Sender\b/
        $b = /\bsmtplib\b|\baiosmtplib\b|\bemail\.mime\b/
        $c = /\bnodemailer\b|createTransport\s*\(/
        $d = /Net::SMTP\.(start|new)|Mail\.deliver/
        $e = /\/usr\/(sbin|lib)\/sendmail\b|\|\s*(mail|mailx|sendmail|mutt|msmtp)\s+-/
        $f = /javax\.mail|jakarta\.mail|smtp\.SendMail\s*\(/
    condition:
        any of them
}

rule takes_orders
{
    meta:
        because = "it fetches orders from another machine in a loop and hides as another program"
        weight = 60
    strings:
        $name = /\$0\s*=\s*['"](\/usr\/sbin\/|\[|httpd|apache|sshd|-bash|kworker|crond|init)/
        $loop = /while\s*\(\s*1\s*\)|for\s*\(\s*;\s*;\s*\)/
        $net = /IO::Socket|socket\s*\(|LWP::|GET \/[^"'\n]{0,80} HTTP\/1\./
    condition:
        $name and $loop and $net
}
