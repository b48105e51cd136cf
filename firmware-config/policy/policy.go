// Package policy is what clearance does about what it finds: an outcome and examinations for each reason, tolerances,
// how old lists may be, which stations must have seen a vehicle, rates of random checks, and what outcomes and
// examinations are called. A policy is a YAML document of its own (firmware-config/policies), which a lane names.
package policy

import (
	"slices"
	"strings"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/firmware-config/lists"
)

// Policy is one policy file. The tags are its format, as those of a lane file; what each key is for is in the catalogue
// of messages.
type Policy struct {
	Name      string     `yaml:"name" required:"true" format:"id" example:"csa-land"`
	Title     string     `yaml:"title" required:"true"`
	TitleFR   string     `yaml:"title_fr" required:"true"`
	Version   string     `yaml:"version" required:"true" example:"2026-12"`
	SiteKinds []SiteKind `yaml:"site_kinds" required:"true"`
	Expects   []Expected `yaml:"expects"`

	Outcomes []OutcomeName `yaml:"outcomes" required:"true"`
	// CBPExamined is CBP's code for a vehicle that was examined and then released.
	CBPExamined string      `yaml:"cbp_examined"`
	Exams       []ExamName  `yaml:"exams" required:"true"` // least intrusive first
	Reasons     []Rule      `yaml:"reasons" required:"true"`
	Otherwise   Consequence `yaml:"otherwise"`

	Lists            []ListAge `yaml:"lists"`
	Stations         []Station `yaml:"stations"`
	Weight           Weight    `yaml:"weight"`
	Natural          Natural   `yaml:"natural"`
	DriverPrograms   []string  `yaml:"driver_programs"`
	CarrierProgram   string    `yaml:"carrier_program"`
	ImporterProgram  string    `yaml:"importer_program"`
	UrgentPriority   int       `yaml:"urgent_priority" min:"0" max:"9"`
	Releasable       []string  `yaml:"releasable"`
	InnocentVerdicts []string  `yaml:"innocent_verdicts"`
	Rates            []Rate    `yaml:"rates"`

	SHA256 [32]byte `yaml:"-"` // of its file
}

// SiteKind is a kind of site, as lane files have them.
type SiteKind string

// Words implements driver.Vocabulary.
func (SiteKind) Words() []string {
	return []string{"land", "joint-facility", "rail", "marine", "inland"}
}

// Expected is something that every vehicle of a lane is expected to show.
type Expected string

// What can be expected.
const (
	ExpectCodes     Expected = "codes"
	ExpectPlate     Expected = "plate"
	ExpectContainer Expected = "container"
)

// Words implements driver.Vocabulary.
func (Expected) Words() []string {
	return words([]Expected{ExpectCodes, ExpectPlate, ExpectContainer})
}

// OutcomeName is what an outcome is called, and what others call it.
type OutcomeName struct {
	ID      Outcome `yaml:"id" required:"true"`
	EN      string  `yaml:"en" required:"true"`
	FR      string  `yaml:"fr" required:"true"`
	EDIFACT string  `yaml:"edifact"` // code of UN/EDIFACT 7365, "" for none
	CBP     string  `yaml:"cbp"`     // disposition code of CBP, "" for none
	// CBPLifted is CBP's code for the end of it, "" for none.
	CBPLifted string `yaml:"cbp_lifted"`
}

// ExamName is what an examination is called.
type ExamName struct {
	ID Exam   `yaml:"id" required:"true"`
	EN string `yaml:"en" required:"true"`
	FR string `yaml:"fr" required:"true"`
}

// Rule is what a reason leads to.
type Rule struct {
	ID          Code `yaml:"code" required:"true"`
	Consequence `yaml:",inline"`
}

// Consequence is an outcome with the examinations that it asks for. RELEASE is for what is only to be known.
type Consequence struct {
	Outcome Outcome `yaml:"outcome" default:"REFER"`
	Exams   []Exam  `yaml:"exams"`
}

// ListAge is how old a list may be before something is done about it. 0 is for no limit.
type ListAge struct {
	ID    ListKind      `yaml:"list" required:"true"`
	Old   time.Duration `yaml:"old" min:"0s" max:"8760h"`
	Stale time.Duration `yaml:"stale" min:"0s" max:"8760h"`
	Limit time.Duration `yaml:"expired" min:"0s" max:"8760h"`
}

// ListKind is the name of a list.
type ListKind lists.Kind

// Words implements driver.Vocabulary.
func (ListKind) Words() []string { return words(lists.Kinds()) }

// Station is a station of the lane that must have seen a vehicle, and the examination that this is.
type Station struct {
	ID   string `yaml:"id" required:"true" format:"id" example:"portal"`
	Exam Exam   `yaml:"exam" required:"true" example:"RPM"`
	// Optional says that vehicles need not have been there: it only counts as the examination where it has seen one.
	Optional bool `yaml:"optional"`
}

// Weight is how weights are compared. Station is "" where nothing is weighed.
type Weight struct {
	Station          string  `yaml:"station" example:"scale"`
	ToleranceKg      float64 `yaml:"tolerance_kg" default:"500" min:"0" max:"100000" unit:"kg"`
	TolerancePercent float64 `yaml:"tolerance_percent" default:"5" min:"0" max:"100" unit:"%"`
	EmptyKg          float64 `yaml:"empty_kg" default:"500" min:"0" max:"10000" unit:"kg"`
	TareLeastKg      float64 `yaml:"tare_least_kg" default:"6000" min:"0" max:"100000" unit:"kg"`
	TareMostKg       float64 `yaml:"tare_most_kg" default:"20000" min:"0" max:"100000" unit:"kg"`
}

// Natural is which goods and nuclides explain each other.
type Natural struct {
	HS       []string `yaml:"hs"`       // beginnings of HS codes
	Nuclides []string `yaml:"nuclides"` // as N42 names them: K-40
}

// Rate is how many of a class are checked at random where the list of rates says nothing.
type Rate struct {
	ID    Class   `yaml:"class" required:"true"`
	Share float64 `yaml:"rate" required:"true" min:"0" max:"1"`
}

// Class is a class of traffic.
type Class string

// The classes.
const (
	CSA       Class = "csa"
	Manifest  Class = "manifest"
	InTransit Class = "intransit"
	EmptyUnit Class = "empty"
)

// Words implements driver.Vocabulary.
func (Class) Words() []string { return words([]Class{CSA, Manifest, InTransit, EmptyUnit}) }

// SetSum notes the SHA-256 of the file that a policy was read from.
func (p *Policy) SetSum(sum [32]byte) { p.SHA256 = sum }

// Consequence returns what a reason leads to.
func (p *Policy) Consequence(c Code) Consequence {
	for i := range p.Reasons {
		if p.Reasons[i].ID == c {
			return p.Reasons[i].Consequence
		}
	}
	return p.Otherwise
}

// Expect reports whether every vehicle is expected to show something.
func (p *Policy) Expect(e Expected) bool { return slices.Contains(p.Expects, e) }

// For reports whether the policy is made for a kind of site.
func (p *Policy) For(siteKind string) bool { return slices.Contains(p.SiteKinds, SiteKind(siteKind)) }

// Age returns the limits of a list; found is false when the policy does not need it.
func (p *Policy) Age(k lists.Kind) (a ListAge, found bool) {
	for _, a := range p.Lists {
		if a.ID == ListKind(k) {
			return a, true
		}
	}
	return ListAge{}, false
}

// Rate returns how many of a class are checked at random where the list of rates says nothing; 0 for none.
func (p *Policy) Rate(c Class) float64 {
	for _, r := range p.Rates {
		if r.ID == c {
			return r.Share
		}
	}
	return 0
}

// Order returns examinations, each once, least intrusive first. Those that the policy does not know come last, in
// alphabetical order.
func (p *Policy) Order(exams []Exam) []Exam {
	out := slices.Clone(exams)
	place := func(e Exam) int {
		if i := slices.IndexFunc(p.Exams, func(n ExamName) bool { return n.ID == e }); i >= 0 {
			return i
		}
		return len(p.Exams)
	}
	slices.SortFunc(out, func(a, b Exam) int {
		if d := place(a) - place(b); d != 0 {
			return d
		}
		return strings.Compare(string(a), string(b))
	})
	return slices.Compact(out)
}

// NameOf returns what an outcome is called, and its codes elsewhere. The zero OutcomeName is for one that the policy
// does not have.
func (p *Policy) NameOf(o Outcome) OutcomeName {
	for _, n := range p.Outcomes {
		if n.ID == o {
			return n
		}
	}
	return OutcomeName{}
}

// NameOfExam returns what an examination is called, in the reader's language; its code when the policy does not have
// it.
func (p *Policy) NameOfExam(e Exam) message.Text {
	for _, n := range p.Exams {
		if n.ID == e {
			return message.Text{EN: n.EN, FR: n.FR}
		}
	}
	return message.Text{EN: string(e), FR: string(e)}
}
