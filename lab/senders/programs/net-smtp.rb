# argv: server helo from subject body tls rcpt...
require 'net/smtp'
require 'openssl'
server, helo, from, subject, body, tls, *to = ARGV
begin
  s = Net::SMTP.new(server, 25)
  tls == 'on' ? s.enable_starttls(OpenSSL::SSL::SSLContext.new.tap { |c| c.verify_mode = OpenSSL::SSL::VERIFY_NONE }) : s.disable_starttls
  s.start(*(helo.empty? ? [] : [helo])) { |c| c.send_message("From: #{from}\nTo: #{to.join(', ')}\nSubject: #{subject}\n\n#{body}\n", from, *to) }
rescue StandardError => e
  warn e.message
  exit 1
end
