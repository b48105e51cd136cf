// Package casepolicy is how alarms are adjudicated at a site: which verdicts a second person confirms, deadlines, and who
// may do what. A policy is a YAML document of its own (firmware-config/cases), which a lane file names.
package casepolicy

import (
	"strconv"
	"time"

	"lanewarden/drivers/observation"
)

// Policy is one policy file. The tags are its format, as those of a lane file; what each key is for is in the catalogue
// of messages.
type Policy struct {
	Name    string `yaml:"name" required:"true" format:"id" example:"standard"`
	Title   string `yaml:"title" required:"true"`
	TitleFR string `yaml:"title_fr" required:"true"`
	Version string `yaml:"version" required:"true" example:"2026-12"`

	Second    Second    `yaml:"second" required:"true"`
	Deadlines Deadlines `yaml:"deadlines"`
	Roles     Roles     `yaml:"roles" required:"true"`
	// Handheld is within how long after a secondary inspection was asked for a measurement at its station is attached.
	Handheld time.Duration `yaml:"handheld" default:"15m" min:"1m" max:"4h"`

	SHA256 [32]byte `yaml:"-"` // of its file
}

// Second is what a second person has to confirm.
type Second struct {
	Verdicts []Verdict `yaml:"verdicts"`
	Neutrons bool      `yaml:"neutrons" default:"true"` // every verdict of a case with a neutron alarm
	Blind    bool      `yaml:"blind" default:"false"`   // who confirms does not see what the first person said
}

// Verdict is a code of a verdict, or a word for an image or a swab.
type Verdict string

// Words implements driver.Vocabulary.
func (Verdict) Words() []string {
	return []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "clear", "suspect", "unreadable",
		"confirmed", "innocent-source", "contamination"}
}

// Deadlines are until when something has to be done about a case.
type Deadlines struct {
	Lane   time.Duration `yaml:"lane" default:"10m" min:"1m" max:"168h"`
	Expert time.Duration `yaml:"expert" default:"60m" min:"1m" max:"168h"`
}

// Roles are who may do what.
type Roles struct {
	Decide []Role `yaml:"decide" required:"true"`
	Second []Role `yaml:"second" required:"true"`
	Third  []Role `yaml:"third" required:"true"`
	Reopen []Role `yaml:"reopen" required:"true"`
}

// Role is a role of an account at the lane or at the centre.
type Role string

// Words implements driver.Vocabulary.
func (Role) Words() []string {
	return []string{"officer", "analyst", "expert", "supervisor", "admin"}
}

// SetSum notes the SHA-256 of the file that a policy was read from.
func (p *Policy) SetSum(sum [32]byte) { p.SHA256 = sum }

// Rules returns the policy as the row that opens a case carries it.
func (p *Policy) Rules() *observation.CaseRules {
	out := &observation.CaseRules{
		Policy: p.Name + " " + p.Version, Sha256: p.SHA256[:], SecondNeutrons: p.Second.Neutrons, SecondBlind: p.Second.Blind,
		LaneS: int64(p.Deadlines.Lane.Seconds()), ExpertS: int64(p.Deadlines.Expert.Seconds()),
		Decide: names(p.Roles.Decide), Second: names(p.Roles.Second), Third: names(p.Roles.Third), Reopen: names(p.Roles.Reopen),
	}
	for _, v := range p.Second.Verdicts {
		if code, err := strconv.ParseUint(string(v), 10, 32); err == nil {
			out.SecondCodes = append(out.SecondCodes, uint32(code))
		} else {
			out.SecondWords = append(out.SecondWords, string(v))
		}
	}
	return out
}

func names(roles []Role) (out []string) {
	for _, r := range roles {
		out = append(out, string(r))
	}
	return out
}
