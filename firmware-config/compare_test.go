package firmwareconfig

import (
	"slices"
	"testing"
	"time"

	"lanewarden/drivers/driver"
)

// comparedSettings are settings of all shapes that drivers have.
type comparedSettings struct {
	Address string
	Every   time.Duration
	Limits  map[string]float64
	Lines   []string
	Nested  *comparedSettings
	Profile driver.Ref[comparedSettings]
	From    time.Time
}

func TestChangedDevices(t *testing.T) {
	document := func(name string, sum byte) driver.Ref[comparedSettings] {
		return driver.Ref[comparedSettings]{Name: name, SHA256: [32]byte{sum}, Value: &comparedSettings{Address: name}}
	}
	fresh := func() *Config {
		at := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
		return &Config{
			Site: Site{ID: "s"}, Agent: Agent{ID: "a"}, File: "/old/lane.yaml", Text: "old",
			Lanes: []Lane{{ID: "l", Stations: []Station{{ID: "portal", Devices: []string{"a"}}}}},
			Devices: []Device{
				{ID: "a", Driver: "x", Lane: "l", Settings: &comparedSettings{Address: "h:1", Limits: map[string]float64{"k": 1}, From: at}},
				{ID: "b", Driver: "x", Settings: &comparedSettings{Nested: &comparedSettings{Lines: []string{"u"}}, Profile: document("/old/p", 1)}},
			},
		}
	}
	settings := func(c *Config, i int) *comparedSettings { return c.Devices[i].Settings.(*comparedSettings) }
	for name, one := range map[string]struct {
		change func(*Config)
		ids    []string
		alone  bool
	}{
		"nothing":             {func(*Config) {}, nil, true},
		"the file":            {func(c *Config) { c.File, c.Text, c.SHA256 = "/new/lane.yaml", "new", [32]byte{1} }, nil, true},
		"an address":          {func(c *Config) { settings(c, 0).Address = "h:2" }, []string{"a"}, true},
		"in a map":            {func(c *Config) { settings(c, 0).Limits["k"] = 2 }, []string{"a"}, true},
		"a time":              {func(c *Config) { settings(c, 0).From = settings(c, 0).From.Add(1) }, []string{"a"}, true},
		"deep in a list":      {func(c *Config) { settings(c, 1).Nested.Lines[0] = "v" }, []string{"b"}, true},
		"a longer list":       {func(c *Config) { settings(c, 1).Nested.Lines = []string{"u", "v"} }, []string{"b"}, true},
		"what was not there":  {func(c *Config) { settings(c, 0).Nested = &comparedSettings{} }, []string{"a"}, true},
		"a document moved":    {func(c *Config) { settings(c, 1).Profile = document("/new/p", 1) }, nil, true},
		"a document's bytes":  {func(c *Config) { settings(c, 1).Profile = document("/old/p", 2) }, []string{"b"}, true},
		"both":                {func(c *Config) { settings(c, 0).Every, settings(c, 1).Every = 1, 1 }, []string{"a", "b"}, true},
		"another driver":      {func(c *Config) { c.Devices[0].Driver = "y" }, nil, false},
		"another lane":        {func(c *Config) { c.Devices[1].Lane = "l" }, nil, false},
		"one device more":     {func(c *Config) { c.Devices = append(c.Devices, Device{ID: "c"}) }, nil, false},
		"one device less":     {func(c *Config) { c.Devices = c.Devices[:1] }, nil, false},
		"another order":       {func(c *Config) { slices.Reverse(c.Devices) }, nil, false},
		"a lane's stations":   {func(c *Config) { c.Lanes[0].Stations[0].Devices[0] = "b" }, nil, false},
		"an agent's settings": {func(c *Config) { c.Agent.PersonalDays = 7 }, nil, false},
		"an uplink":           {func(c *Config) { c.Uplink = &Uplink{} }, nil, false},
	} {
		next := fresh()
		one.change(next)
		ids, alone := fresh().ChangedDevices(next)
		if !slices.Equal(ids, one.ids) || alone != one.alone {
			t.Errorf("%s: %v, %v", name, ids, alone)
		}
	}
}
