// A Go program's mailer on net/smtp: message on standard input. Without -helo it is smtp.SendMail, which says localhost.
package main

import (
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"net/smtp"
	"os"
	"runtime"
)

func main() {
	server := flag.String("server", "", "")
	helo := flag.String("helo", "", "")
	from := flag.String("from", "", "")
	secure := flag.String("tls", "off", "")
	version := flag.Bool("version", false, "")
	flag.Parse()
	if *version {
		fmt.Println(runtime.Version())
		return
	}
	body, _ := io.ReadAll(os.Stdin)
	if err := send(*server, *helo, *from, *secure == "on", flag.Args(), body); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func send(server, helo, from string, secure bool, to []string, body []byte) error {
	if helo == "" && !secure {
		return smtp.SendMail(server+":25", nil, from, to, body)
	}
	c, err := smtp.Dial(server + ":25")
	if err != nil {
		return err
	}
	defer c.Close()
	if helo != "" {
		if err := c.Hello(helo); err != nil {
			return err
		}
	}
	if secure {
		if err := c.StartTLS(&tls.Config{InsecureSkipVerify: true}); err != nil {
			return err
		}
	}
	if err := c.Mail(from); err != nil {
		return err
	}
	taken := 0
	var last error
	for _, one := range to {
		if err := c.Rcpt(one); err != nil {
			last = err
		} else {
			taken++
		}
	}
	if taken == 0 {
		_ = c.Quit()
		return last
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(body); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return c.Quit()
}
