<?php
/** Sends over SMTP through the server on this host, as the settings say. */
class Mailer
{
    private $socket = null;

    public function send(string $from, string $to, string $subject, string $header, string $text): void
    {
        if (!$this->socket) {
            $this->socket = fsockopen('127.0.0.1', 25, $code, $error, 15) ?: exit($error);
            $this->answer();
            $this->say('EHLO ' . $_SERVER['SERVER_NAME']);
        }
        $this->say("MAIL FROM:<$from>");
        $this->say("RCPT TO:<$to>");
        $this->say('DATA');
        $date = date('r');
        $body = preg_replace('/^\./m', '..', str_replace("\n", "\r\n", str_replace("\r\n", "\n", $text)));
        $this->say("From: <$from>\r\nTo: <$to>\r\n$header\r\nSubject: $subject\r\nDate: $date\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n$body\r\n.");
    }

    public function __destruct()
    {
        if ($this->socket) { $this->say('QUIT'); }
    }

    private function say(string $line): void
    {
        fwrite($this->socket, $line . "\r\n");
        $this->answer();
    }

    private function answer(): void
    {
        do { $line = fgets($this->socket, 1024); } while ($line !== false && ($line[3] ?? ' ') === '-');
    }
}
