package associate

import (
	"lanewarden/drivers/kinds"
)

// Kind names the evidence that a term of an assignment stands for.
type Kind uint8

// Kinds of terms, in the order in which they are explained.
const (
	Arrival  Kind = iota // when it came against when it was predicted
	Names                // plate, tag, container, code
	Lengths              // of the vehicle, as measured here and before
	Missed               // devices that saw nothing of the vehicle though they should have
	Repeated             // the device had seen it already
	Order                // it overtook
	Birth                // a vehicle that nobody had seen before
	Clutter              // of no vehicle in these lanes
	Size                 // weight and load against the length
	Strength             // how well a tag was heard
	termKinds
)

// Terms are the terms of one assignment: log-likelihoods per second. Their sum is its score.
type Terms struct {
	Score    [termKinds]float32
	Residual float32     // s later than predicted
	Sigma    float32     // s, of the prediction
	From     int16       // device that it was predicted from; -1 for none
	Queued   bool        // it had to wait for the vehicle ahead
	Read     *kinds.Name // of the detection; nil when no names were compared
	Name     *kinds.Name // of the vehicle
}

// Sum returns the score of the assignment.
func (t *Terms) Sum() float64 {
	sum := 0.0
	for _, v := range t.Score {
		sum += float64(v)
	}
	return sum
}

func (t *Terms) add(k Kind, v float64) { t.Score[k] += float32(v) }
