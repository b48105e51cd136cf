package passage

import (
	"testing"
	"time"

	"lanewarden/drivers/observation"
)

// taught is a tape on which twelve vehicles went through, a minute apart: the ways between devices are known. It returns when the last left.
func taught(t *testing.T) (*tape, float64) {
	p := newTape(t)
	for i := range 12 {
		s := float64(60 * i)
		p.loop("loop", s)
		p.plate("lpr", s+0.5, 0, string(rune('A'+i))+"XY770")
		p.portal(s + 10)
		p.loop("loop2", s+20)
		p.plate("lpr2", s+20.5, 0, string(rune('A'+i))+"XY770")
	}
	return p, 800
}

// A vehicle stops before the portal, and holds up those behind: each comes when the next one was expected. The entry missed the last one.
func TestRowIsLate(t *testing.T) {
	p, s := taught(t)
	plates := []string{"KLM111", "NPR222", "STU333", "VWX444"}
	own := make([][]int64, len(plates))
	for at := 0.0; at < 100; at += 0.5 {
		for i, plate := range plates {
			behind := 12 * float64(i)
			switch at - behind {
			case 0:
				if i < 3 {
					own[i] = append(own[i], p.loop("loop", s+at), p.plate("lpr", s+at, 0, plate))
				}
			case 22:
				own[i] = append(own[i], p.portal(s+at))
			case 33:
				own[i] = append(own[i], p.loop("loop2", s+at), p.plate("lpr2", s+at, 0, plate))
			}
		}
	}
	p.tick(s + 200)
	ids := map[string]bool{}
	for i, all := range own {
		for _, idx := range all {
			if p.in[idx] != p.in[all[0]] || p.in[idx] == "" {
				t.Errorf("vehicle %d: reading %d is in %q, the first one in %q", i, idx, p.in[idx], p.in[all[0]])
			}
		}
		ids[p.in[all[0]]] = true
	}
	if len(ids) != len(plates) {
		t.Errorf("%d passages of %d vehicles", len(ids), len(plates))
	}
}

// Two vehicles close together, of which the entry saw one, are two passages in the end; the second one is said to be opened, and what moves
// is said in corrections.
func TestTwoAsOne(t *testing.T) {
	p, s := taught(t)
	before := len(p.out)
	p.loop("loop", s)
	var first, second []int64
	first = append(first, p.plate("lpr", s+0.5, 0, "KLM111"), p.portal(s+10))
	second = append(second, p.portal(s+13))
	first = append(first, p.loop("loop2", s+20))
	second = append(second, p.loop("loop2", s+23))
	first = append(first, p.plate("lpr2", s+20.5, 0, "KLM111"))
	second = append(second, p.plate("lpr2", s+23.5, 0, "STU333"))
	p.tick(s + 100)
	for _, idx := range first {
		if p.in[idx] != p.in[first[0]] {
			t.Errorf("reading %d of the first vehicle is in %q, not in %q", idx, p.in[idx], p.in[first[0]])
		}
	}
	for _, idx := range second {
		if p.in[idx] != p.in[second[0]] || p.in[idx] == p.in[first[0]] {
			t.Errorf("reading %d of the second vehicle is in %q, not in %q", idx, p.in[idx], p.in[second[0]])
		}
	}
	opened := map[string]int{}
	in := map[int64]string{} // as the journal says
	for _, o := range p.out[before:] {
		switch b := o.Body.Typed().(type) {
		case *observation.PassageOpened:
			opened[b.Id]++
			in[b.Readings[0].Idx] = b.Id
		case *observation.PassageUpdated:
			in[b.Readings[0].Idx] = b.Id
		case *observation.PassageCorrected:
			if in[b.Idx] != b.From && in[b.Idx] != b.To {
				t.Errorf("%v, but it is in %q", b, in[b.Idx])
			}
			in[b.Idx] = b.To
		}
	}
	for _, idx := range append(first, second...) {
		if in[idx] != p.in[idx] || opened[p.in[idx]] != 1 {
			t.Errorf("reading %d: the journal says %q, the correlator %q, opened %d times", idx, in[idx], p.in[idx], opened[p.in[idx]])
		}
	}
}

// What was assigned by a name goes where the name goes: an image by its plate, and what is about the image.
func TestNamesFollow(t *testing.T) {
	p, s := taught(t)
	p.loop("loop", s)
	plate := p.plate("lpr", s+0.5, 0, "KLM111")
	p.loop("loop", s+15)
	p.plate("lpr", s+15.5, 0, "STU333")
	image := p.say("ion", s+20, 5, 0, &observation.XrayImage{OoiId: "KLM 111", ScanInstance: "1.2", SopInstance: "1.2.1"})
	preview := p.say("ion", s+21, 5, 0, &observation.XrayPreview{ImageInstance: "1.2.1"})
	p.tick(s + 38)
	if p.in[image] != p.in[plate] || p.in[preview] != p.in[plate] {
		t.Fatalf("image in %q, preview in %q, plate in %q", p.in[image], p.in[preview], p.in[plate])
	}
	l := p.c.lanes[0]
	from, to := l.open[0], l.open[1]
	var e *event
	for _, o := range from.events {
		if o.Idx == plate {
			e = o
		}
	}
	p.c.move(l, from, to, e, "a test says so")
	if said := p.c.corrections(l); len(said) != 3 || p.in[image] != to.id || p.in[preview] != to.id || p.in[plate] != to.id || len(from.ids) != 0 {
		t.Errorf("%d corrections; image in %q, preview in %q, plate in %q of %q; %d names left", len(said), p.in[image], p.in[preview], p.in[plate], to.id, len(from.ids))
	}
}

// A device that chatters costs what it says, and no more.
func TestChatter(t *testing.T) {
	p, s := taught(t)
	p.loop("loop", s)
	p.plate("lpr", s+0.5, 0, "KLM111")
	for i := range 3 * maxEvents {
		p.say("rpm", s+10+0.01*float64(i), 1, 0, &observation.RadiationOccupancy{StartNs: noon.UnixNano()})
	}
	p.loop("loop2", s+40)
	start := time.Now()
	p.tick(s + 300)
	t.Logf("closed in %v", time.Since(start))
	if n := len(p.closed()); n < 13 {
		t.Errorf("%d passages closed", n)
	}
}

// A vehicle that holds a reading and no sight, as when its sights went to others, stops nothing: not who reverses beside it, not its end.
func TestNothingLeft(t *testing.T) {
	p, s := taught(t)
	p.loop("loop", s)
	p.tick(s + 20)
	v := p.c.lanes[0].open[0]
	v.anchors, v.events = nil, nil
	at := noon.Add(time.Duration((s + 30) * float64(time.Second)))
	p.say("loop", s+30, 5, 0, &observation.VehicleDetection{StartNs: at.UnixNano(), Direction: "reverse"})
	p.tick(s + 1000)
	if n := len(p.c.lanes[0].open); n != 0 {
		t.Errorf("%d passages stay open", n)
	}
}
