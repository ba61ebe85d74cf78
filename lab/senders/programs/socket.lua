-- argv: server helo from subject body tls rcpt...
local smtp = require("socket.smtp")
local server, helo, from, subject, body = table.unpack(arg, 1, 5)
local to = {}
for i = 7, #arg do to[#to + 1] = "<" .. arg[i] .. ">" end
local ok, why = smtp.send{ from = "<" .. from .. ">", rcpt = to, server = server, port = 25, domain = helo ~= "" and helo or nil,
  source = smtp.message{ headers = { from = from, to = table.concat(to, ", "), subject = subject }, body = body } }
if not ok then io.stderr:write(why, "\n") os.exit(1) end
