// Package line reads instruments that speak lines of text, by declarative profile: bytes and a profile go in,
// readings of named and typed values come out. It is also the driver of instruments that have none of their own.
// docs/profiles.md says how to write a profile.
package line

import (
	"strings"
	"time"

	"lanewarden/drivers/driver/profile"
	"lanewarden/drivers/message"
)

// Profile describes how an instrument's lines are to be read (docs/profiles.md has every key with an example). It is
// data: firmware-config/profiles, or a technician's own file. Connect is sent once a connection is made, Answer
// after each reading that is stored; both as they stand, with their line ends. Unmatched says whether a line that
// fits no message is a fault.
type Profile struct {
	Name      string    `yaml:"name" required:"true" format:"id"`
	Title     string    `yaml:"title" required:"true"`
	Manual    string    `yaml:"manual" required:"true"`
	Charset   string    `yaml:"charset" default:"ascii" enum:"ascii,utf-8,latin1,windows-1252,cp437"`
	Framing   Framing   `yaml:"framing"`
	Checksum  *Checksum `yaml:"checksum"`
	Time      Clock     `yaml:"time"`
	Connect   []string  `yaml:"connect"`
	Poll      []Poll    `yaml:"poll"`
	Answer    string    `yaml:"answer"`
	Messages  []Message `yaml:"messages" required:"true"`
	Unmatched string    `yaml:"unmatched" default:"fault" enum:"fault,ignore"`
}

// Framing cuts bytes into lines: Start, if any, stands before a line, End behind it, MaxBytes between them at most.
type Framing struct {
	Start    string `yaml:"start"`
	End      string `yaml:"end" default:"\r\n"`
	MaxBytes int    `yaml:"max_bytes" default:"1024" min:"8" max:"65536" unit:"bytes"`
}

// Checksum is at a line's end, behind Separator: two hexadecimal digits a byte, or the bytes. WithStart and WithSep
// say that Framing.Start, and Separator, are in what it sums.
type Checksum struct {
	Kind      string `yaml:"kind" required:"true" enum:"xor,sum,negated-sum,crc16-modbus,crc16-ccitt"`
	Format    string `yaml:"format" default:"hex" enum:"hex,binary"`
	Separator string `yaml:"separator"`
	WithStart bool   `yaml:"with_start"`
	WithSep   bool   `yaml:"with_separator"`
}

// Clock describes the format of times, "YYYY-MM-DD hh:mm:ss.s", several in the order in which they are tried. Zone
// is for times that do not say theirs.
type Clock struct {
	Zone    string   `yaml:"zone" default:"UTC" format:"timezone"`
	Formats []string `yaml:"formats" example:"YYYY-MM-DD hh:mm:ss"`
}

// Poll is sent at intervals.
type Poll struct {
	Send  string        `yaml:"send" required:"true"`
	Every time.Duration `yaml:"every" required:"true" min:"100ms" max:"24h"`
}

// Message is one thing that an instrument says: a line that fits Pattern, and, with Lines or End, the lines after it
// up to one that fits End, or none of Lines. Kind says what package ionscan makes of it; driver line knows "ignore"
// only.
type Message struct {
	Name    string `yaml:"name" required:"true"`
	Kind    string `yaml:"kind" default:"reading" enum:"reading,analysis,verification,blank,calibration,health,ignore"`
	Pattern string `yaml:"pattern" required:"true"`
	Lines   []Line `yaml:"lines"`
	End     string `yaml:"end"`
	// Fields give units, factors and translations for fields of the patterns; those not named here stay as they are.
	Fields []profile.Field `yaml:"fields"`
	Alarm  []profile.Rule  `yaml:"alarm"`
}

// Line is one kind of line within a message, which may stand there any number of times; each is a Row.
type Line struct {
	Name    string `yaml:"name" required:"true"`
	Pattern string `yaml:"pattern" required:"true"`
}

// maxAnswer bounds what a profile sends at once, in bytes: a serial line of 1200 baud takes 2 s for it.
const maxAnswer = 256

// Check implements driver.Checker: it compiles the profile, so that a wrong one is refused before a device is
// opened.
func (p Profile) Check() error {
	if p.Framing.End == "" {
		return message.Errorf("profile.no-end")
	}
	for _, text := range append(append([]string{p.Answer}, p.Connect...), polls(p.Poll)...) {
		if len(text) > maxAnswer {
			return message.Errorf("profile.long", message.Quoted("text", text[:20]+"…"), message.Int("most", maxAnswer))
		}
	}
	_, err := compile(&p)
	return err
}

func polls(in []Poll) (out []string) {
	for _, p := range in {
		out = append(out, p.Send)
	}
	return out
}

// layout translates a form of times to Go's: YYYY, YY, MON (Jan), MM, DD, hh, mm, ss, and .s for fractions of any
// length. Longer words come first.
func layout(form string) string {
	return strings.NewReplacer("YYYY", "2006", "YY", "06", "MON", "Jan", "MM", "01", "DD",
		"02", "hh", "15", "mm", "04", "ss", "05", ".s", ".999999999").Replace(form)
}
