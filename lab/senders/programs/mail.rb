# argv: server helo from subject body tls rcpt...
require 'mail'
server, helo, sender, topic, text, tls, *rcpt = ARGV
set = { address: server, port: 25, enable_starttls_auto: tls == 'on', openssl_verify_mode: 'none' }
set[:domain] = helo unless helo.empty?
m = Mail.new { from sender; to rcpt; subject topic; body text }
m.delivery_method :smtp, set
begin
  m.deliver!
rescue StandardError => e
  warn e.message
  exit 1
end
