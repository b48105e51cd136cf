package plate

import (
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// maxCameras bounds the cameras that are followed; a sender that makes up names gets no more.
const maxCameras = 64

// bareRuns counts the vehicles in a row of which a reader read no plate, by camera. The zero value is ready.
type bareRuns struct {
	counts     map[string]int
	conditions driver.Conditions
}

// follow counts what a message says at the time at, and returns conditions "no-plate" that begin or are over, by
// camera. limit is Config.Bare, 0 for never. A plate that was read ends a run.
func (b *bareRuns) follow(at time.Time, m *Message, limit int) (out []*observation.Observation) {
	if limit == 0 {
		return nil
	}
	if b.counts == nil {
		b.counts = map[string]int{}
	}
	for _, camera := range m.Bare {
		if _, known := b.counts[camera]; known || len(b.counts) < maxCameras {
			b.counts[camera]++
		}
		if b.counts[camera] == limit {
			text := message.New("plate.none-read", message.Count("n", limit))
			out = append(out, b.conditions.Set(at, "no-plate", camera, true, text)...)
		}
	}
	for i := range m.Reads {
		camera := m.Reads[i].Camera
		if b.counts[camera] >= limit {
			out = append(out, b.conditions.Set(at, "no-plate", camera, false, message.Message{})...)
		}
		delete(b.counts, camera)
	}
	return out
}

// reset begins anew, after a commit that failed: what it held is told again.
func (b *bareRuns) reset() { *b = bareRuns{} }
