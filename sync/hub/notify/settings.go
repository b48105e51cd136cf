package notify

import (
	"io/fs"
	"net/mail"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	firmwareconfig "lanewarden/firmware-config"
	"lanewarden/sync/hub/ledger"
)

// Rules is the file that --notify names (YAML, strict). The tags are its format, as those of a lane file; what each key is
// for is in the catalogue of messages.
type Rules struct {
	// Link is where people reach the hub's pages, https://hub.example:8490; "" for no links in messages.
	Link      string     `yaml:"link" format:"url" example:"https://hub.example:8490"`
	Receivers []Receiver `yaml:"receivers" required:"true"`
	Rules     []Rule     `yaml:"rules" required:"true"`
}

// Receiver is somebody outside who is told, in one of four ways.
type Receiver struct {
	ID      string   `yaml:"id" required:"true" format:"id" example:"duty-officer"`
	Webhook *Webhook `yaml:"webhook"`
	Email   *Email   `yaml:"email"`
	Syslog  *Syslog  `yaml:"syslog"`
	Ntfy    *Ntfy    `yaml:"ntfy"`
}

// Webhook is a program that takes CloudEvents, signed as Standard Webhooks has it.
type Webhook struct {
	URL        string `yaml:"url" required:"true" format:"url" example:"https://risk.example/lanewarden"`
	SecretFile string `yaml:"secret_file" required:"true" format:"file"`
	CAFile     string `yaml:"ca_file" format:"file"` // PEM; "" for the machine's authorities
}

// Email is people who are told by mail.
type Email struct {
	Server       string   `yaml:"server" required:"true" format:"hostport" example:"smtp.example:587"`
	TLS          TLS      `yaml:"tls" default:"starttls"`
	User         string   `yaml:"user"`
	PasswordFile string   `yaml:"password_file" format:"file"`
	CAFile       string   `yaml:"ca_file" format:"file"`
	From         string   `yaml:"from" required:"true" example:"lanes@hub.example"`
	To           []string `yaml:"to" required:"true"`
}

// TLS is how the connection to a mail server is encrypted.
type TLS string

// The kinds of encryption. PlainText is for a server on this machine.
const (
	StartTLS  TLS = "starttls"
	FullTLS   TLS = "tls"
	PlainText TLS = "none"
)

// Words implements driver.Vocabulary.
func (TLS) Words() []string { return []string{string(StartTLS), string(FullTLS), string(PlainText)} }

// Syslog is a collector of logs.
type Syslog struct {
	Address   string    `yaml:"address" required:"true" format:"hostport" example:"siem.example:6514"`
	Transport Transport `yaml:"transport" default:"tls"`
	CAFile    string    `yaml:"ca_file" format:"file"`
	CertFile  string    `yaml:"cert_file" format:"file"` // client certificate (PEM); "" for none
	KeyFile   string    `yaml:"key_file" format:"file"`
	// Facility is a number of RFC 5424, 6.2.1.
	Facility int `yaml:"facility" default:"16" min:"0" max:"23"`
}

// Transport is how lines reach a collector of logs.
type Transport string

// The transports: RFC 5425, RFC 6587 with octet counting, RFC 5426.
const (
	SyslogTLS Transport = "tls"
	SyslogTCP Transport = "tcp"
	SyslogUDP Transport = "udp"
)

// Words implements driver.Vocabulary.
func (Transport) Words() []string {
	return []string{string(SyslogTLS), string(SyslogTCP), string(SyslogUDP)}
}

// Ntfy is telephones that subscribe to a topic of an ntfy server.
type Ntfy struct {
	URL       string `yaml:"url" required:"true" format:"url" example:"https://ntfy.example"`
	Topic     string `yaml:"topic" required:"true"`
	TokenFile string `yaml:"token_file" format:"file"`
	CAFile    string `yaml:"ca_file" format:"file"`
}

// Rule says what is told to whom. Its conditions hold together; one that is left out holds always.
type Rule struct {
	ID      string   `yaml:"id" required:"true" format:"id" example:"alarms-at-night"`
	To      []string `yaml:"to" required:"true"` // ids of receivers
	Classes []Class  `yaml:"classes"`
	Kinds   []string `yaml:"kinds"` // as the feed's: radiation.*, -passage.updated
	Sites   []string `yaml:"sites"`
	Lanes   []string `yaml:"lanes"`
	Hours   string   `yaml:"hours" format:"hours"` // by the time of the row, in Zone
	Zone    string   `yaml:"zone" format:"timezone"`

	Language  Language      `yaml:"language" default:"en"`
	Priority  Priority      `yaml:"priority" default:"auto"`
	Personal  bool          `yaml:"personal" default:"false"` // plates, codes and names go out
	MaxAge    time.Duration `yaml:"max_age" default:"1h" min:"1m" max:"168h"`
	PerMinute int           `yaml:"per_minute" default:"10" min:"1" max:"6000"`
}

// Class is a class of observations.
type Class string

// Words implements driver.Vocabulary.
func (Class) Words() (all []string) {
	for _, c := range observation.Classes {
		all = append(all, c.Name())
	}
	return all
}

// Language is the language in which people are told.
type Language string

// Words implements driver.Vocabulary.
func (Language) Words() []string { return []string{string(message.English), string(message.French)} }

// Priority is how loud a message is. Automatic is by the class: alarms high, events default, telemetry low.
type Priority string

// The priorities.
const (
	Automatic Priority = "auto"
	Min       Priority = "min"
	Low       Priority = "low"
	Default   Priority = "default"
	High      Priority = "high"
	Urgent    Priority = "urgent"
)

// Words implements driver.Vocabulary.
func (Priority) Words() []string {
	return []string{string(Automatic), string(Min), string(Low), string(Default), string(High), string(Urgent)}
}

// mostSenders bounds connections and goroutines: pairs of a rule and a receiver.
const mostSenders = 100

// Check implements driver.Checker: rules name receivers that there are.
func (r Rules) Check() error {
	var ids []string
	for _, one := range r.Receivers {
		ids = append(ids, one.ID)
	}
	n := 0
	for i := range r.Rules {
		rule := &r.Rules[i]
		for j, to := range rule.To {
			if !slices.Contains(ids, to) {
				return message.Errorf("notify.no-receiver", message.String("rule", rule.ID), message.Quoted("receiver", to),
					message.String("known", strings.Join(ids, ", ")))
			}
			if slices.Contains(rule.To[:j], to) {
				return message.Errorf("notify.twice", message.String("rule", rule.ID), message.Quoted("receiver", to))
			}
		}
		n += len(rule.To)
	}
	if n > mostSenders {
		return message.Errorf("notify.many", message.Int("n", n), message.Int("most", mostSenders))
	}
	return nil
}

// Check implements driver.Checker: a receiver is told in one way.
func (r Receiver) Check() error {
	n := 0
	for _, given := range []bool{r.Webhook != nil, r.Email != nil, r.Syslog != nil, r.Ntfy != nil} {
		if given {
			n++
		}
	}
	if n != 1 {
		return message.Errorf("notify.one-way", message.String("receiver", r.ID))
	}
	return nil
}

// Check implements driver.Checker: kinds are known.
func (r Rule) Check() error {
	_, err := r.filter()
	return err
}

// Check implements driver.Checker: addresses are addresses, and a password goes over an encrypted connection only.
func (e Email) Check() error {
	for _, a := range append([]string{e.From}, e.To...) {
		if _, err := mail.ParseAddress(a); err != nil || strings.ContainsAny(a, "\r\n") {
			return message.Errorf("notify.no-address", message.Quoted("value", a))
		}
	}
	if (e.User == "") != (e.PasswordFile == "") {
		return message.Errorf("notify.user-password")
	}
	if e.TLS == PlainText && e.User != "" {
		return message.Errorf("notify.password-clear")
	}
	return nil
}

// Check implements driver.Checker: a client certificate has its key, and TLS.
func (s Syslog) Check() error {
	if (s.CertFile == "") != (s.KeyFile == "") {
		return message.Errorf("notify.cert-key")
	}
	if s.Transport != SyslogTLS && s.CertFile+s.CAFile != "" {
		return message.Errorf("notify.no-tls", message.String("transport", string(s.Transport)))
	}
	return nil
}

// ntfyTopic is what an ntfy server takes for a topic.
var ntfyTopic = regexp.MustCompile(`^[-_A-Za-z0-9]{1,64}$`)

// Check implements driver.Checker: the topic is one that a server takes.
func (n Ntfy) Check() error {
	if !ntfyTopic.MatchString(n.Topic) {
		return message.Errorf("notify.no-topic", message.Quoted("value", n.Topic))
	}
	return nil
}

// filter returns classes and kinds of the rule as the ledger selects rows.
func (r *Rule) filter() (f ledger.Filter, err error) {
	if len(r.Sites) == 1 {
		f.Site = r.Sites[0]
	}
	for _, c := range r.Classes {
		class, err := observation.ParseClass(string(c))
		if err != nil {
			return f, err
		}
		f.Classes = append(f.Classes, class)
	}
	for _, k := range r.Kinds {
		if err := f.AddKind(k); err != nil {
			return f, err
		}
	}
	return f, nil
}

// Read reads a file of rules. An error says everything that is wrong with it, and which secret others can read.
func Read(file string) (*Rules, error) {
	var r Rules
	if err := firmwareconfig.ReadFile(file, &r); err != nil {
		return nil, err
	}
	for i := range r.Receivers {
		for _, secret := range r.Receivers[i].secrets() {
			if _, err := readSecret(secret); err != nil {
				return nil, message.Wrap(err, "notify.secret", message.String("receiver", r.Receivers[i].ID))
			}
		}
		if w := r.Receivers[i].Webhook; w != nil {
			if _, err := w.key(); err != nil {
				return nil, err
			}
		}
	}
	return &r, nil
}

// secrets returns the files of a receiver that nobody else may read.
func (r *Receiver) secrets() (files []string) {
	switch {
	case r.Webhook != nil:
		files = append(files, r.Webhook.SecretFile)
	case r.Email != nil:
		files = append(files, r.Email.PasswordFile)
	case r.Syslog != nil:
		files = append(files, r.Syslog.KeyFile)
	case r.Ntfy != nil:
		files = append(files, r.Ntfy.TokenFile)
	}
	return slices.DeleteFunc(files, func(f string) bool { return f == "" })
}

// mostSecretBytes bounds a secret's file: a private key in PEM is the largest.
const mostSecretBytes = 64 << 10

// readSecret returns what a file has, without blanks at its ends. One that others can read is an error, and so is an empty
// one. It is read for each message, so that a secret can be changed while the hub runs.
func readSecret(file string) (string, error) {
	info, err := os.Stat(file)
	if err != nil {
		return "", err
	}
	if open(file, info) {
		return "", message.Errorf("notify.secret-open", message.String("file", file), message.String("mode", info.Mode().Perm().String()))
	}
	if info.Size() > mostSecretBytes {
		return "", message.Errorf("notify.secret-empty", message.String("file", file))
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	secret := strings.TrimSpace(string(text))
	if secret == "" {
		return "", message.Errorf("notify.secret-empty", message.String("file", file))
	}
	return secret, nil
}

// open reports whether others than the file's owner can read it: a group may where root gave the file to a service.
// Credentials of systemd have rights of their own beside the mode.
func open(file string, info fs.FileInfo) bool {
	if strings.HasPrefix(file, "/run/credentials/") {
		return false
	}
	mode := info.Mode().Perm()
	owner, ok := info.Sys().(*syscall.Stat_t)
	return mode&0o007 != 0 || mode&0o070 != 0 && (!ok || owner.Uid != 0)
}

// zone returns the zone of the rule's hours and of the times that it tells.
func (r *Rule) zone() *time.Location {
	z, err := firmwareconfig.Zone(r.Zone)
	if err != nil { // it was checked when the file was read
		return time.UTC
	}
	return z
}

// find returns the rule of an id, nil for none.
func (r *Rules) find(id string) *Rule {
	for i := range r.Rules {
		if r.Rules[i].ID == id {
			return &r.Rules[i]
		}
	}
	return nil
}

// receiver returns the receiver of an id, nil for none.
func (r *Rules) receiver(id string) *Receiver {
	for i := range r.Receivers {
		if r.Receivers[i].ID == id {
			return &r.Receivers[i]
		}
	}
	return nil
}
