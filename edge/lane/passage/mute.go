package passage

import (
	"math"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/lane/passage/detection"
)

// missRun counts how many vehicles in a row a device saw nothing of. A reader that is connected and
// reads nothing looks well to its driver, which knows nothing of vehicles.
type missRun struct {
	run   int     // vehicles since it saw one
	rate  float64 // share of vehicles that it saw before
	total float64 // vehicles that rate rests on
}

const (
	muteCondition = "reads-nothing"
	// muteMin is the fewest vehicles that are enough, muteNever as many for a device that has never seen one:
	// perhaps few vehicles carry what it reads.
	muteMin   = 10
	muteNever = 100
	// muteChance is the probability below which so many vehicles without a reading are a fault.
	muteChance = 0.001
	// muteLearnt is the number of vehicles from which a reading rate counts.
	muteLearnt = 20
)

// add counts a vehicle. hits of total vehicles are what the device saw until then.
func (m *missRun) add(saw bool, hits, total float64) {
	if saw {
		*m = missRun{}
		return
	}
	if m.run == 0 {
		m.rate, m.total = (hits+1)/(total+2), total
		if hits == 0 {
			m.rate = 0
		}
	}
	m.run++
}

// mute reports whether the device reads nothing: so long a run would be chance in fewer than
// muteChance of cases.
func (m *missRun) mute() bool {
	if m.rate == 0 || m.total < muteLearnt {
		return m.run >= muteNever
	}
	return m.run >= muteMin && math.Pow(1-m.rate, float64(m.run)) < muteChance
}

// evaluateMute returns the row that says that a device's readings ceased, or came back; none while
// nothing changes.
func (c *Correlator) evaluateMute(device string, m *missRun) []*observation.Observation {
	obs := c.conditions.Set(detection.Time(c.now), muteCondition, device, m.mute(), m.words(device))
	for _, o := range obs {
		o.Device = observation.AgentDevice
	}
	return obs
}

// words describes the condition; the zero message while a device reads.
func (m *missRun) words(device string) message.Message {
	if !m.mute() {
		return message.Message{}
	}
	args := []message.Arg{message.String("device", device), message.Count("n", m.run)}
	if m.rate == 0 {
		return message.New("passage.mute", args...)
	}
	return message.New("passage.mute-now", append(args, message.Number("before", 100*m.rate, 0))...)
}
