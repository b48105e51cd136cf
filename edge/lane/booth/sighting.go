package booth

import (
	"time"

	"lanewarden/drivers/identifier"
	"lanewarden/drivers/kinds"
	"lanewarden/drivers/observation"
	"lanewarden/edge/lane/clearance"
)

// sighting is what one row of a device says of a vehicle.
type sighting struct {
	row      int64
	device   string
	station  *Station
	at       time.Time // it arrived
	began    time.Time // the vehicle was there; never after at
	of       belongs
	evidence kinds.Evidence
	alarm    *clearance.Alarm // nil for none
	code     *clearance.Code
	card     *clearance.Card
	plate    *clearance.Plate
}

func newSighting(r Row, station *Station, at time.Time) *sighting {
	s := &sighting{row: r.Idx, device: r.Device, station: station, at: at, began: at}
	if t := time.Unix(0, r.TimeNs).UTC(); t.Before(at) {
		s.began = t
	}
	s.evidence, _ = kinds.EvidenceOf(r.Observation)
	if r.Class == observation.Class_CLASS_ALARM {
		s.alarm = alarmOf(r)
	}
	switch m := r.Body.Typed().(type) {
	case *observation.VehicleCode:
		s.code = codeOf(r, m)
	case *observation.VehicleTag:
		s.card = &clearance.Card{Row: r.Idx, EPC: m.Epc, TID: m.Tid, Device: r.Device}
	case *observation.VehiclePlate:
		if m.Normal != "" {
			s.plate = &clearance.Plate{
				Row: r.Idx, Normal: m.Normal, Region: m.Region, Sure: float64(m.Confidence), Device: r.Device,
			}
		}
	}
	return s
}

// shown reports whether the driver showed it, or the vehicle did: a code, a card, a plate.
func (s *sighting) shown() bool { return s.code != nil || s.card != nil || s.plate != nil }

// alarmOf describes an alarm: of a spectrum, which nuclides the instrument names, and whether all occur in nature.
func alarmOf(r Row) *clearance.Alarm {
	a := &clearance.Alarm{Row: r.Idx, Device: r.Device, Kind: r.Body.Kind().Name()}
	if spectrum, ok := r.Body.Typed().(*observation.RadiationSpectrum); ok {
		a.Natural = len(spectrum.Nuclides) > 0
		for _, n := range spectrum.Nuclides {
			a.Nuclides = append(a.Nuclides, n.Name)
			a.Natural = a.Natural && observation.NaturalNuclide(n.Name)
		}
	}
	return a
}

func codeOf(r Row, m *observation.VehicleCode) *clearance.Code {
	if m.Value == "" {
		return nil // of a document that names a person: that one was shown is all that is kept
	}
	c := &clearance.Code{
		Row: r.Idx, Kind: identifier.Kind(m.Type), Value: m.Value, Role: m.Role, Check: identifier.Check(m.Check),
		Manual: m.Entry == "manual", Device: r.Device,
	}
	for _, a := range m.Alternatives {
		c.Alternatives = append(c.Alternatives, clearance.Code{
			Row: r.Idx, Kind: identifier.Kind(a.Type), Value: a.Value, Role: a.Role, Check: identifier.Check(a.Check),
			Manual: c.Manual, Device: r.Device,
		})
	}
	return c
}

// sharesName reports whether two sightings have a name in common that one vehicle only has: a party has many.
func (s *sighting) sharesName(o *sighting) bool {
	for i := range s.evidence.Names {
		for k := range o.evidence.Names {
			a, b := &s.evidence.Names[i], &o.evidence.Names[k]
			if a.Kind == b.Kind && a.Value == b.Value && a.Kind != observation.PartyName && !a.Guess {
				return true
			}
		}
	}
	return false
}
