package passage

import (
	"fmt"
	"strings"
	"testing"

	"lanewarden/drivers/observation"
)

// conditions are those that the correlator reported, in words.
func (p *tape) conditions() (out []string) {
	for _, o := range p.out {
		if c := o.Body.GetDeviceCondition(); c != nil && o.Device == observation.AgentDevice {
			out = append(out, fmt.Sprintf("%s %s %v", c.Condition, c.Subject, !c.Cleared))
		}
	}
	return out
}

// TestReadsNothing: a plate reader that saw every vehicle and sees none any more is reported, and when it sees one again. Readers that
// never had much to read are not, before a hundred vehicles.
func TestReadsNothing(t *testing.T) {
	p := newTape(t)
	vehicles := func(from, n int, plate bool) {
		for i := from; i < from+n; i++ {
			s := 300 * float64(i)
			p.loop("loop", s)
			if plate {
				p.plate("lpr", s+0.5, 0, fmt.Sprintf("ABC%03d", i))
			}
			p.portal(s + 10)
			p.loop("loop2", s+20)
			p.plate("lpr2", s+20.5, 0, fmt.Sprintf("ABC%03d", i))
			p.tick(s + 120)
		}
	}
	vehicles(0, 30, true)
	vehicles(30, 15, false)
	vehicles(45, 5, true)
	p.tick(300*50 + 100_000)
	if got, want := strings.Join(p.conditions(), ", "), "reads-nothing lpr true, reads-nothing lpr false"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	vehicles(400, 60, true)
	p.tick(300*460 + 100_000)
	if got := p.conditions()[2:]; fmt.Sprint(got) != "[reads-nothing rfid true]" {
		t.Errorf("after 110 vehicles: %v", got)
	}
}

// TestMisses: how many vehicles in a row are enough.
func TestMisses(t *testing.T) {
	for _, c := range []struct {
		before sights
		want   int
	}{
		{sights{0, 0}, 100}, {sights{0, 150}, 100}, {sights{5, 10}, 100}, {sights{95, 100}, 10}, {sights{30, 100},
			20}, {sights{5, 100}, 114},
	} {
		m := &misses{}
		for !m.mute() && m.run < 1000 {
			m.add(false, c.before)
		}
		if m.run != c.want {
			t.Errorf("%v: %d vehicles, want %d", c.before, m.run, c.want)
		}
		if m.add(true, c.before); m.mute() {
			t.Error("it has read, and is mute")
		}
	}
}
