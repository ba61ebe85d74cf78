<?php
/** A small SMTP client for sites that want replies and not a pipe to sendmail. Talks to the local server only. */
class Smtp
{
    private $socket;

    public function __construct(string $host = '127.0.0.1', int $port = 25)
    {
        $this->socket = fsockopen($host, $port, $code, $text, 10);
        if (!$this->socket) { throw new RuntimeException($text); }
        $this->read();
        $this->say('EHLO ' . (gethostname() ?: 'localhost'));
    }

    public function send(string $from, string $to, string $data): bool
    {
        $this->say("MAIL FROM:<$from>");
        $this->say("RCPT TO:<$to>");
        $this->say('DATA');
        return str_starts_with($this->say(preg_replace('/^\./m', '..', $data) . "\r\n."), '250');
    }

    private function say(string $line): string
    {
        fwrite($this->socket, $line . "\r\n");
        return $this->read();
    }

    private function read(): string
    {
        do { $line = fgets($this->socket, 1024); } while ($line !== false && ($line[3] ?? ' ') === '-');
        return (string) $line;
    }
}
