package agent

import (
	"log/slog"

	"lanewarden/edge/journal"
	"lanewarden/edge/lane/casebook"
	firmwareconfig "lanewarden/firmware-config"
)

// newCasebook returns the cases of the lanes of a configuration, by its policy.
func newCasebook(c *firmwareconfig.Config, j *journal.Journal, log *slog.Logger) (*casebook.Casebook, error) {
	policy, err := c.CasePolicy()
	if err != nil {
		return nil, err
	}
	var stations []casebook.Station
	for _, l := range c.Lanes {
		for _, s := range l.Stations {
			stations = append(stations, casebook.Station{ID: s.ID, Devices: s.Devices})
		}
	}
	return casebook.New(casebook.Options{
		Journal: j, Rules: policy.Rules(), Stations: stations, Handheld: policy.Handheld, Log: log,
	}), nil
}
