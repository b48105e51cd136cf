package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"html"
	"net"
	"strconv"
	"strings"

	"github.com/wneessen/go-mail"

	"lanewarden/drivers/message"
)

// emailOutlet sends each letter over a connection of its own: they are few, and servers close idle ones.
type emailOutlet struct {
	settings *Email
}

func (o *emailOutlet) send(ctx context.Context, l *letter) error {
	s := o.settings
	m, err := mailOf(s, l)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	client, err := o.client(ctx, mail.SMTPAuthPlain)
	if err == nil {
		err = client.DialAndSendWithContext(ctx, m)
	}
	if errors.Is(err, mail.ErrPlainAuthNotSupported) { // LOGIN is the other one that servers have
		if client, err = o.client(ctx, mail.SMTPAuthLogin); err == nil {
			err = client.DialAndSendWithContext(ctx, m)
		}
	}
	var failed *mail.SendError
	if errors.As(err, &failed) && !failed.IsTemp() && failed.ErrorCode() >= 500 {
		return message.Wrap(errRefused, "notify.mail-refused", message.Int("status", failed.ErrorCode()))
	}
	if err != nil {
		return message.Wrap(err, "notify.mail", message.String("server", s.Server))
	}
	return nil
}

// client returns a client for one connection, which is closed when ctx ends: the library itself would wait for a greeting
// for ever. It speaks no password without TLS.
func (o *emailOutlet) client(ctx context.Context, auth mail.SMTPAuthType) (*mail.Client, error) {
	s := o.settings
	host, port, err := net.SplitHostPort(s.Server)
	if err != nil {
		return nil, err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return nil, err
	}
	config, err := tlsTo(s.CAFile)
	if err != nil {
		return nil, err
	}
	config.ServerName = host
	dial := (&net.Dialer{}).DialContext
	if s.TLS == FullTLS {
		dial = (&tls.Dialer{Config: config}).DialContext
	}
	options := []mail.Option{mail.WithPort(number), mail.WithTimeout(sendTimeout), mail.WithTLSConfig(config), mail.WithoutNoop(),
		mail.WithDialContextFunc(func(asked context.Context, network, address string) (net.Conn, error) {
			c, err := dial(asked, network, address)
			if err == nil {
				context.AfterFunc(ctx, func() { c.Close() })
			}
			return c, err
		})}
	switch s.TLS {
	case FullTLS:
		options = append(options, mail.WithSSL())
	case PlainText:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	default:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if s.User != "" {
		password, err := readSecret(s.PasswordFile)
		if err != nil {
			return nil, err
		}
		options = append(options, mail.WithSMTPAuth(auth), mail.WithUsername(s.User), mail.WithPassword(password))
	}
	return mail.NewClient(host, options...)
}

// mailOf returns the mail of a letter: plain text, and the same in HTML for those whose programs show nothing else. Values
// in headers are encoded by the library; line breaks are none by then (oneLine).
func mailOf(s *Email, l *letter) (*mail.Msg, error) {
	m := mail.NewMsg(mail.WithCharset(mail.CharsetUTF8), mail.WithNoDefaultUserAgent())
	if err := errors.Join(m.From(s.From), m.To(s.To...)); err != nil {
		return nil, err
	}
	m.Subject(oneLine(cut(l.title, 200)))
	m.SetDateWithValue(l.at)
	m.SetMessageIDWithValue(l.hash() + "@lanewarden.invalid")
	m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no answers of machines
	m.SetGenHeader("Content-Language", string(l.language))
	m.SetImportance(map[Priority]mail.Importance{Min: mail.ImportanceLow, Low: mail.ImportanceLow, High: mail.ImportanceHigh,
		Urgent: mail.ImportanceUrgent, Default: mail.ImportanceNormal}[l.priority])
	m.SetBodyString(mail.TypeTextPlain, l.text())
	m.AddAlternativeString(mail.TypeTextHTML, htmlOf(l))
	return m, nil
}

// htmlOf returns a letter as a page. All of it is escaped.
func htmlOf(l *letter) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<!doctype html><html lang=%q><meta charset=utf-8><title>%s</title><body><h1 style=\"font-size:1.2em\">%[2]s</h1><p>",
		string(l.language), html.EscapeString(l.title))
	for _, line := range l.lines {
		if line == "" {
			b.WriteString("</p><p>")
			continue
		}
		escaped := html.EscapeString(line)
		if l.link != "" && strings.Contains(line, l.link) {
			link := html.EscapeString(l.link)
			escaped = strings.Replace(escaped, link, `<a href="`+link+`">`+link+`</a>`, 1)
		}
		b.WriteString(escaped + "<br>\n")
	}
	b.WriteString("</p></body></html>\n")
	return b.String()
}
