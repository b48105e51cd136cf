package policy

import (
	"slices"

	"lanewarden/drivers/message"
)

// Check implements driver.Checker: every outcome has its names, and examinations that something asks for are named.
func (p Policy) Check() error {
	for _, o := range Outcomes() {
		if p.NameOf(o).ID == "" {
			return message.Errorf("policy.no-outcome", message.String("outcome", string(o)))
		}
	}
	for _, r := range p.Reasons {
		if err := p.named(string(r.ID), r.Exams...); err != nil {
			return err
		}
	}
	for _, s := range p.Stations {
		if err := p.named(s.ID, s.Exam); err != nil {
			return err
		}
	}
	return p.named("otherwise", p.Otherwise.Exams...)
}

// named returns an error for an examination that is not in the policy's list of them.
func (p Policy) named(of string, exams ...Exam) error {
	for _, e := range exams {
		if !slices.ContainsFunc(p.Exams, func(n ExamName) bool { return n.ID == e }) {
			return message.Errorf("policy.no-exam", message.String("of", of), message.Quoted("exam", string(e)))
		}
	}
	return nil
}

// Check implements driver.Checker: limits are in their order.
func (a ListAge) Check() error {
	if a.Stale > 0 && a.Stale < a.Old || a.Limit > 0 && a.Limit < max(a.Old, a.Stale) {
		return message.Errorf("policy.age-order", message.String("list", string(a.ID)))
	}
	return nil
}

// Check implements driver.Checker: the lightest empty vehicle is not heavier than the heaviest.
func (w Weight) Check() error {
	if w.TareLeastKg > w.TareMostKg {
		return message.Errorf("policy.tare-order", message.Quantity("least", w.TareLeastKg, 0, "kg"),
			message.Quantity("most", w.TareMostKg, 0, "kg"))
	}
	return nil
}
