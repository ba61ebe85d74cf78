<?php
namespace App\Mail;

/** SMTP over a socket to the server on this host; says its own name. */
class Transport
{
    private $socket;

    public function __construct(private string $host = '127.0.0.1', private int $port = 25)
    {
        $this->socket = fsockopen($this->host, $this->port, $code, $text, 10);
        $this->expect();
        $this->command('EHLO ' . ($_SERVER['SERVER_NAME'] ?? '[127.0.0.1]'));
    }

    public function send(string $from, string $to, string $subject, string $text): void
    {
        $this->command("MAIL FROM:<$from>");
        $this->command("RCPT TO:<$to>");
        $this->command('DATA');
        $this->command("From: $from\r\nTo: $to\r\nSubject: $subject\r\nDate: " . date('r') . "\r\n\r\n$text\r\n.");
        $this->command('QUIT');
    }

    private function command(string $line): void
    {
        fwrite($this->socket, $line . "\r\n");
        $this->expect();
    }

    private function expect(): void
    {
        do { $line = fgets($this->socket, 1024); } while ($line !== false && ($line[3] ?? ' ') === '-');
    }
}
