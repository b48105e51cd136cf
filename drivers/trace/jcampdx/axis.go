package jcampdx

import (
	"bytes"
	"math"
	"strconv"

	"lanewarden/drivers/observation/coded"
)

// even reads ordinates at even steps, in any compressed form: (X++(Y..Y)). x and y are the symbols. The step is
// (LASTX-FIRSTX)/(NPOINTS-1), for DELTAX is rounded in the field; where the abscissas of the lines contradict that,
// the axis that they agree with is taken, with a warning (docs/protocols/ionscan.md, Abscissas).
func (p *parser) even(s *scope, t *Table, x, y string) {
	s.columns(t, []string{x, y})
	a, dim := s.axisOf(x, y)
	expected := dim
	if expected < 0 {
		expected = a.points
	}
	r := &ordinates{p: p, t: t, xFactor: a.xFactor, yFactor: a.yFactor, expected: expected}
	r.y = make([]float64, 0, max(0, min(expected, p.points, len(p.data)-p.pos)))
	a.guess(expected).apply(r)
	begin := p.bookmark()
	r.read()
	whole := p.settle(r, a, begin)
	p.points -= len(r.y)
	if math.IsNaN(r.first) {
		r.first = 0
	}
	if math.IsNaN(r.step) {
		if r.step = r.learnt; r.step == 0 && len(r.y) > 1 && !t.Partial {
			p.fault(place{t.Line, 1, p.base}, "jcampdx.neither-deltax-nor-lastx",
				"neither DELTAX nor LASTX and NPOINTS say the step of the abscissas")
			t.Partial = true
		}
	}
	xs := make([]float64, len(r.y))
	spread(xs, r.first, r.step)
	t.Columns[0].Values, t.Columns[1].Values = xs, r.y
	switch {
	case whole:
		if dim >= 0 {
			p.warn(p.here(), "jcampdx.var-dim-says-count",
				"VAR_DIM says %d, and the table that begins in line %d has %d, which is what FIRSTX, LASTX and DELTAX say",
				expected, t.Line, len(r.y))
			break
		}
		p.warn(a.pointsAt, "jcampdx.npoints-says-count",
			"NPOINTS is %d, and the table that begins in line %d has %d, which is what FIRSTX, LASTX and DELTAX say",
			expected, t.Line, len(r.y))
	case a.points >= 0:
		p.checkPoints(s, t, a.points, a.pointsAt)
	case dim >= 0 && len(r.y) != dim && !t.Partial:
		p.fault(p.here(), "jcampdx.var-dim-says-table", "VAR_DIM says %v, and the table that begins in line %d has %d",
			coded.CountOf(dim, "point"), t.Line, len(r.y))
		t.Partial = true
	}
}

// axisOf returns what the block's records, and its variables of NTUPLES, say of a table's axes, and the points that
// VAR_DIM says; -1 for none.
func (s *scope) axisOf(x, y string) (a axis, dim int) {
	a, dim = s.axis, -1
	if v, ok := s.variable(x); ok {
		if !math.IsNaN(v.First) {
			a.first, a.firstDigit = v.First, 0
		}
		if !math.IsNaN(v.Last) {
			a.last, a.lastDigit = v.Last, 0
		}
		if !math.IsNaN(v.Factor) {
			a.xFactor = v.Factor
		}
		if dim = v.Dim; dim == 0 {
			dim = -1
		}
		a.delta = missing
	}
	if v, ok := s.variable(y); ok && !math.IsNaN(v.Factor) {
		a.yFactor = v.Factor
	}
	return a, dim
}

// guess is a candidate for the axis of a table, with how far its lines may be off before it is rejected.
type guess struct {
	first, step  float64 // NaN for not known
	roundedFirst float64 // how far first may be off by rounding
	steps        float64 // how far a line may be off, in steps
	whole        bool    // if it fits, nothing is missing, whatever NPOINTS says
	wrapped      bool
	words        *coded.Text // for people
}

// apply sets the axis by which a table is read.
func (g guess) apply(r *ordinates) {
	r.first, r.step, r.roundedFirst, r.steps, r.wrapped = g.first, g.step, g.roundedFirst, g.steps, g.wrapped
}

// usualSteps is the tolerance of a line's abscissa in steps: writers differ in which point of a line it belongs to.
const usualSteps = 1.5

// guess returns the axis by the records alone, for a table that has n points; -1 for not known.
func (a *axis) guess(n int) guess {
	if n > 1 && !math.IsNaN(a.first) && !math.IsNaN(a.last) && a.last != a.first {
		return a.byEnds(a.first, a.last, n)
	}
	return guess{first: a.first, step: a.delta, roundedFirst: a.firstDigit / 2, steps: usualSteps,
		words: coded.Errorf("jcampdx.by-step", "FIRSTX and DELTAX")}
}

// byEnds returns the axis of n points, 2 at least, from first to last.
func (a *axis) byEnds(first, last float64, n int) guess {
	return guess{
		first: first, step: (last - first) / float64(n-1), steps: usualSteps,
		words:        coded.Errorf("jcampdx.by-points", "FIRSTX, LASTX and the number of points"),
		roundedFirst: (a.firstDigit + a.lastDigit) / 2,
	}
}

// nearDelta reports whether a step is DELTAX as it may have been rounded.
func (a *axis) nearDelta(step float64) bool {
	return math.Abs(step-a.delta) <= 0.51*a.deltaDigit+0.005*math.Abs(a.delta)
}

// others returns the axes that a table of n points, of expected ones, may have when its lines contradict the
// records, the likelier first.
func (a *axis) others(n, expected int) (out []guess) {
	ends := n > 1 && !math.IsNaN(a.first) && !math.IsNaN(a.last) && a.last != a.first
	byDelta := guess{first: a.first, step: a.delta, roundedFirst: a.firstDigit / 2, steps: usualSteps}
	if ends && n != expected {
		g := a.byEnds(a.first, a.last, n)
		if g.whole = expected >= 0; g.whole {
			said := a.guess(expected).step                 // if NPOINTS is right
			if !a.nearDelta(g.step) || a.nearDelta(said) { // no other witness than the lines: they must be close
				g.steps = 0.5
			}
		}
		out = append(out, g)
	}
	if !math.IsNaN(a.delta) && a.delta != 0 {
		g := byDelta
		g.words = coded.Errorf("jcampdx.by-step-not-last", "FIRSTX and DELTAX: LASTX is wrong")
		out = append(out, g)
		g.step, g.words = -a.delta, coded.Errorf("jcampdx.by-step-turned", "FIRSTX and DELTAX with its sign turned")
		out = append(out, g)
	}
	if ends {
		g := a.byEnds(a.last, a.first, max(n, expected))
		g.words = coded.Errorf("jcampdx.by-exchanged", "FIRSTX and LASTX exchanged")
		out = append(out, g)
	}
	return out
}

// bookmark is a place to which the parser can go back, to read a table anew.
type bookmark struct{ pos, line, lineAt, faults int }

func (p *parser) bookmark() bookmark {
	return bookmark{p.pos, p.line, p.lineAt, len(p.file.Faults)}
}

// again reads a table anew with another axis.
func (p *parser) again(r *ordinates, g guess, begin bookmark) {
	p.pos, p.line, p.lineAt, p.file.Faults = begin.pos, begin.line, begin.lineAt, p.file.Faults[:begin.faults]
	*r = ordinates{p: p, t: r.t, xFactor: r.xFactor, yFactor: r.yFactor, expected: r.expected, y: r.y[:0]}
	r.t.Partial = false
	g.apply(r)
	r.read()
}

// settle decides the axis of a table that was read with the first guess. It returns true when the table is whole and
// NPOINTS is wrong.
func (p *parser) settle(r *ordinates, a axis, begin bookmark) (whole bool) {
	n := len(r.y)
	counted := r.expected < 0 || n == r.expected
	if r.expected < 0 && r.miss == nil && n > 1 {
		if g := a.guess(n); g.step != a.delta && a.nearDelta(g.step) { // closer than DELTAX alone
			r.first, r.step = g.first, g.step
		}
		return false
	}
	if r.miss == nil && counted || p.full {
		return false
	}
	first := guess{
		first: r.first, step: r.step, roundedFirst: r.roundedFirst, steps: r.steps, words: coded.Errorf("jcampdx.by-records",
			"the records"),
	}
	miss, faulty := r.miss, r.t.Partial
	guesses := a.others(n, r.expected)
	// DELTAX is rounded, and nothing else says the step: the last line does
	if g := first; r.lastIndex > 0 && !math.IsNaN(a.delta) && math.IsNaN(a.last) {
		if g.step = (r.lastX - r.first) / float64(r.lastIndex); a.nearDelta(g.step) {
			g.steps, g.words = 0.5, nil
			guesses = append([]guess{g}, guesses...)
		}
	}
	if r.expected > n {
		g := first
		g.wrapped, g.words = true, coded.Errorf("jcampdx.by-wrapped", "lines that go on without an abscissa")
		guesses = append(guesses, g)
	}
	before := *r
	for _, g := range guesses {
		if g.whole && (faulty || !before.closer(g, first)) || !g.whole && !g.wrapped && miss == nil {
			continue // the records fit the lines as they are, and points are missing
		}
		p.again(r, g, begin)
		fits := r.miss == nil || g.wrapped && len(r.y) == r.expected
		if fits && (!r.t.Partial || faulty) && (!g.wrapped || len(r.y) == r.expected) {
			if miss != nil && !g.whole && g.words != nil {
				p.warn(miss.at, "jcampdx.line-begins-at-x",
					"line begins at x = %v instead of %v: the abscissas are taken by %s",
					miss.x, miss.want, g.words)
			}
			return g.whole
		}
	}
	p.again(r, first, begin)
	switch {
	case r.miss == nil:
	case counted && r.expected >= 0 && !r.t.Partial:
		p.warn(r.miss.at,
			"jcampdx.line-begins-at-x-before",
			"line begins at x = %v, and %v before it end at %v: all points are there, and the abscissas are "+
				"by FIRSTX, LASTX and NPOINTS",
			r.miss.x, coded.CountOf(r.miss.points, "point"), r.miss.want)
	default:
		p.cutAt(r)
	}
	return false
}

// closer reports whether the abscissa of the last line that was read belongs to one axis rather than to another. A
// table that was cut short looks like one whose NPOINTS is too large, for LASTX is the axis' end in both: only where
// its lines stand tells them apart. One line says nothing of the step.
func (r *ordinates) closer(g, than guess) bool {
	off := func(a guess) float64 { return math.Abs(a.first + float64(r.lastIndex)*a.step - r.lastX) }
	return r.lines > 1 && r.lastIndex > 0 && off(g) < off(than)
}

// cutAt ends a table where its points do not go on.
func (p *parser) cutAt(r *ordinates) {
	m := r.miss
	r.y = r.y[:m.points]
	p.file.Faults = p.file.Faults[:m.faults]
	r.t.Partial = true
	p.fault(m.at,
		"jcampdx.line-begins-at-x-before-end",
		"line begins at x = %v, and %v before it end at %v: points are missing or doubled, or NPOINTS is wrong",
		m.x,
		coded.CountOf(m.points, "point"), m.want)
}

// lastDigit returns the value of one unit of a number's last digit: 0.01 for 575.05, 1 for 575, 100 for 1.23E4.
func lastDigit(text []byte) float64 {
	exponent := 0
	if i := bytes.IndexAny(text, "EeDd"); i >= 0 {
		exponent, _ = strconv.Atoi(string(text[i+1 : min(len(text), i+6)])) // none that can be read: 0
		text = text[:i]
	}
	if i := bytes.IndexByte(text, '.'); i >= 0 {
		exponent -= len(text) - i - 1
	}
	return math.Pow10(exponent)
}
