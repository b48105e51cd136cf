package cases

import (
	"regexp"
	"slices"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// The groups of codes, as the open peer of this field numbers them, so that figures can be compared.
const (
	RealAlarm     = "real-alarm"
	InnocentAlarm = "innocent-alarm"
	FalseAlarm    = "false-alarm"
	TestAlarm     = "test"
	TamperAlarm   = "tamper"
	OtherAlarm    = "other"
)

// explained are codes that say little: notes must say more.
var explained = []uint32{2, 8, 10, 11}

// Codes lists the codes of verdicts.
func Codes() []uint32 { return []uint32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11} }

// Group returns the group of a code; "" for none.
func Group(code uint32) string {
	switch {
	case code == 0 || code > 11:
		return ""
	case code <= 2:
		return RealAlarm
	case code <= 5:
		return InnocentAlarm
	case code <= 8:
		return FalseAlarm
	case code == 9:
		return TestAlarm
	case code == 10:
		return TamperAlarm
	}
	return OtherAlarm
}

// ImageWords and SwabWords are what a verdict can say of images and swabs beside its code.
func ImageWords() []string { return []string{"clear", "suspect", "unreadable"} }

// SwabWords are what a verdict can say of swabs.
func SwabWords() []string { return []string{"confirmed", "innocent-source", "contamination"} }

// Units are the units of quantities.
func Units() []string { return []string{"Bq", "kBq", "MBq", "GBq", "g", "kg", "l", "pieces"} }

// nuclideName is the form of N42 names (ANSI N42.42): Cs-137, Tc-99m.
var nuclideName = regexp.MustCompile(`^[A-Z][a-z]?-[1-9][0-9]{0,2}m?$`)

// Bounds of what one event can hold: a body is an observation's, 1 MiB at most.
const (
	maxText        = 4000 // characters
	maxAttachments = 32
	maxBoxes       = 100
	maxCorners     = 200
	maxNuclides    = 20
	maxName        = 64 // of keys, stations, units, accounts
)

// Check reports what is wrong with the content of a new event: what is missing, misspelt or too long. It is asked once,
// before the event is journalled. Folding does not ask it again, as notes and reasons can be erased.
func (c *Case) Check(a *observation.CaseEvent) error {
	if a.By == "" {
		return message.Errorf("cases.no-name")
	}
	if err := c.checkBounds(a); err != nil {
		return err
	}
	switch a.Action {
	case comment:
		return need(a.Notes != "", "cases.needs-notes")
	case attach:
		return need(len(a.Attachments) > 0, "cases.needs-attachment")
	case reopen:
		return need(a.Reason != "", "cases.needs-reason")
	case secondaryResult:
		if err := need(a.Notes != "" || a.Verdict.GetCode() > 0, "cases.needs-result"); err != nil {
			return err
		}
		return checkVerdict(a.Verdict, a.Notes)
	case overrule:
		if err := need(a.Reason != "", "cases.needs-reason"); err != nil {
			return err
		}
		return c.checkDecision(a)
	case decide:
		if err := need(!c.again || a.Reason != "" || c.Blind(readerOf(a)), "cases.needs-change"); err != nil {
			return err
		}
		return c.checkDecision(a)
	}
	return nil
}

// need returns an error with a code unless something holds.
func need(holds bool, code string) error {
	if holds {
		return nil
	}
	return &message.Error{Message: message.Message{Code: code}}
}

func (c *Case) checkBounds(a *observation.CaseEvent) error {
	long := len(a.Notes) > maxText || len(a.Reason) > maxText || len(a.Verdict.GetSource()) > maxText ||
		len(a.Attachments) > maxAttachments || len(a.Verdict.GetNuclides()) > maxNuclides || len(a.Exams) > maxAttachments
	for _, s := range []string{a.By, a.Key, a.Station, a.Verdict.GetUnit()} {
		long = long || len(s) > maxName
	}
	for _, one := range a.Attachments {
		if len(one.Sha256) != 32 {
			return message.Errorf("cases.no-artifact")
		}
		long = long || len(one.Boxes) > maxBoxes
		for _, b := range one.Boxes {
			if len(b.X) != len(b.Y) || len(b.X) < 2 {
				return message.Errorf("cases.box")
			}
			long = long || len(b.X) > maxCorners || len(b.Label) > maxName
		}
	}
	return need(!long, "cases.too-long")
}

// checkDecision checks a verdict against the alarms: of radiation a code is needed, of images and swabs alone their word
// is enough.
func (c *Case) checkDecision(a *observation.CaseEvent) error {
	v := a.Verdict
	coded := v.GetCode() > 0
	switch {
	case !coded && (len(c.Alarms) == 0 || slices.ContainsFunc(c.Alarms, needsCode)):
		return message.Errorf("cases.needs-code")
	case !coded && v.GetImage() == "" && slices.ContainsFunc(c.Alarms, IsImage):
		return message.Errorf("cases.needs-image")
	case !coded && v.GetSwab() == "" && slices.ContainsFunc(c.Alarms, IsSwab):
		return message.Errorf("cases.needs-swab")
	}
	return checkVerdict(v, a.Notes)
}

func needsCode(a *observation.CaseAlarm) bool { return !IsImage(a) && !IsSwab(a) }

func checkVerdict(v *observation.CaseVerdict, notes string) error {
	for _, n := range v.GetNuclides() {
		if !nuclideName.MatchString(n) {
			return message.Errorf("cases.nuclide", message.Quoted("name", n))
		}
	}
	switch {
	case v.GetCode() > 11:
		return message.Errorf("cases.code", message.Int("code", v.GetCode()))
	case v.GetImage() != "" && !slices.Contains(ImageWords(), v.GetImage()):
		return message.Errorf("cases.image-word", message.Quoted("word", v.GetImage()), message.Names("words", ImageWords()))
	case v.GetSwab() != "" && !slices.Contains(SwabWords(), v.GetSwab()):
		return message.Errorf("cases.swab-word", message.Quoted("word", v.GetSwab()), message.Names("words", SwabWords()))
	case v.GetSwab() == "innocent-source" && v.GetSource() == "":
		return message.Errorf("cases.needs-source")
	case v.GetCode() == 3 && len(v.GetNuclides()) == 0:
		return message.Errorf("cases.needs-nuclide")
	case slices.Contains(explained, v.GetCode()) && notes == "":
		return message.Errorf("cases.needs-why", message.Int("code", v.GetCode()))
	case v.GetQuantity() < 0 || v.GetQuantity() > 0 != (v.GetUnit() != ""):
		return message.Errorf("cases.quantity")
	case v.GetUnit() != "" && !slices.Contains(Units(), v.GetUnit()):
		return message.Errorf("cases.unit", message.Quoted("unit", v.GetUnit()), message.Names("units", Units()))
	}
	return nil
}
