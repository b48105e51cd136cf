package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers"
	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	firmwareconfig "lanewarden/firmware-config"
)

// initCommand asks for what a lane file needs and writes it. Each answer is checked as laned run
// would check the file, so that what it writes can be run.
func initCommand() *cobra.Command {
	var force bool
	c := &cobra.Command{
		Use: "init FILE", Short: "help.init", Args: cobra.ExactArgs(1),
		Long:    "help.init.long",
		Example: "  laned init /etc/lanewarden/lane.yaml",
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := os.Stat(args[0]); err == nil && !force {
				return thereAlready(args[0])
			}
			d := &dialog{in: bufio.NewScanner(cmd.InOrStdin()), p: cli.Print(cmd)}
			text, err := d.laneFile()
			if err != nil {
				return err
			}
			if err := writeNew(args[0], text, force); err != nil {
				return err
			}
			fmt.Fprintln(d.p.Writer)
			d.p.Say("laned.written", message.String("file", args[0]))
			return nil
		},
	}
	c.Flags().BoolVar(&force, "force", false, "help.flag.force")
	return c
}

// writeNew writes a file that must not exist yet; with force it may. O_EXCL makes the check and the
// creation one step.
func writeNew(path string, text []byte, force bool) error {
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if force {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(path, flags, 0o644)
	if errors.Is(err, os.ErrExist) {
		return thereAlready(path)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

// thereAlready returns the error of a file that would be overwritten.
func thereAlready(path string) error {
	return message.Errorf("laned.exists", message.String("file", path))
}

// dialog asks a person at a terminal, or a script, one line an answer. Its blocks are YAML with the
// order of keys kept, so that the file reads as the questions came.
type dialog struct {
	in *bufio.Scanner
	p  cli.Printer
}

// errEnded is returned when no more answers come. Nothing is written then.
var errEnded = message.Errorf("laned.ended")

// ask prints a question and returns the answer, without spaces around it; preset, which is shown,
// when it is empty.
func (d *dialog) ask(question, preset string) (string, error) {
	if preset != "" {
		question += " [" + preset + "]"
	}
	fmt.Fprint(d.p.Writer, question+cli.Plain(d.p.Language.Separator(": ")))
	if !d.in.Scan() {
		return "", errors.Join(errEnded, d.in.Err())
	}
	if answer := strings.TrimSpace(d.in.Text()); answer != "" {
		return answer, nil
	}
	return preset, nil
}

// laneFile asks for everything and returns the file's text.
func (d *dialog) laneFile() ([]byte, error) {
	file, lane, err := d.place()
	for err == nil {
		var device yaml.MapSlice
		if device, err = d.device(file, lane); device == nil {
			break
		}
		file, err = d.station(with(file, "devices", append(devicesOf(file), device)), device)
	}
	if err != nil {
		return nil, err
	}
	if file, err = d.centre(file); err != nil {
		return nil, err
	}
	return yaml.Marshal(file)
}

// place asks for site, agent, lane and direction, again until they can be used. It returns the file
// so far and the lane's id.
func (d *dialog) place() (file yaml.MapSlice, lane string, err error) {
	for {
		var answers [4]string
		for i, q := range [][2]string{
			{"laned.ask-site", "site-1"},
			{"laned.ask-agent", "lane-1"},
			{"laned.ask-lane", "lane-1"},
			{"laned.ask-direction", "inbound"},
		} {
			if answers[i], err = d.ask(d.p.In(message.New(q[0])), q[1]); err != nil {
				return nil, "", err
			}
		}
		file = yaml.MapSlice{
			{Key: "site", Value: yaml.MapSlice{{Key: "id", Value: answers[0]}}},
			{Key: "agent", Value: yaml.MapSlice{{Key: "id", Value: answers[1]}}},
			{Key: "lanes", Value: []yaml.MapSlice{{{Key: "id", Value: answers[2]}, {Key: "direction", Value: answers[3]}}}},
		}
		if d.usable(file) {
			return file, answers[2], nil
		}
	}
}

// device asks for one device, again until its settings can be used; nil when there is no further
// one. file is the lane file so far.
func (d *dialog) device(file yaml.MapSlice, lane string) (yaml.MapSlice, error) {
	spec, err := d.driver()
	if err != nil || spec.Name == "" {
		return nil, err
	}
	id, err := d.ask(d.p.Phrase("laned.ask-id"), freeID(file, spec.Name))
	if err != nil {
		return nil, err
	}
	settings, err := d.required(spec)
	for err == nil {
		device := yaml.MapSlice{{Key: "id", Value: id}, {Key: "driver", Value: spec.Name}, {Key: "lane", Value: lane}}
		if len(settings) > 0 {
			device = append(device, yaml.MapItem{Key: "settings", Value: settings})
		}
		if d.usable(with(file, "devices", append(devicesOf(file), device))) {
			return device, nil
		}
		settings, err = d.more(spec, settings)
	}
	return nil, err
}

// freeID proposes a name for a device: its driver and one more than the devices of that driver.
func freeID(file yaml.MapSlice, driver string) string {
	n := 1
	for _, device := range devicesOf(file) {
		if value(device, "driver") == driver {
			n++
		}
	}
	return fmt.Sprintf("%s-%d", driver, n)
}

// station asks where in the lane a device sees vehicles, in metres from the lane's beginning, and
// returns the file with that station; without an answer, the file as it is. Only devices with a
// place can give passages. Stations are kept in the order of their positions, in which a lane file
// must have them.
func (d *dialog) station(file, device yaml.MapSlice) (yaml.MapSlice, error) {
	for {
		answer, err := d.ask(d.p.Phrase("laned.ask-station"), "")
		if err != nil || answer == "" {
			return file, err
		}
		lane := value(file, "lanes").([]yaml.MapSlice)[0]
		stations, _ := value(lane, "stations").([]yaml.MapSlice)
		id := value(device, "id")
		// The slice is clipped, so that an answer that is refused leaves the file as it was.
		stations = append(stations[:len(stations):len(stations)], yaml.MapSlice{
			{Key: "id", Value: id}, {Key: "position", Value: typed(answer)}, {Key: "devices", Value: []any{id}},
		})
		slices.SortStableFunc(stations, func(a, b yaml.MapSlice) int { return cmp.Compare(position(a), position(b)) })
		whole := with(file, "lanes", []yaml.MapSlice{with(lane, "stations", stations)})
		if d.usable(whole) {
			return whole, nil
		}
	}
}

// position returns a station's position in metres; 0 for what is no number, which the check of the
// file then reports.
func position(station yaml.MapSlice) float64 {
	switch v := value(station, "position").(type) {
	case uint64:
		return float64(v)
	case int64:
		return float64(v)
	case float64:
		return v
	}
	return 0
}

// driver asks for the driver of the next device; the zero Spec when there is none. "?" lists all of
// them.
func (d *dialog) driver() (driver.Spec, error) {
	for {
		name, err := d.ask(d.p.Phrase("laned.ask-driver"), "")
		switch {
		case err != nil || name == "":
			return driver.Spec{}, err
		case name == "?":
			for _, s := range drivers.Catalog {
				fmt.Fprintf(d.p.Writer, "  %-10s %s\n", s.Name, d.p.In(s.Called()))
			}
			continue
		}
		spec, err := firmwareconfig.FindDriver(name, drivers.Catalog)
		if err == nil {
			return spec, nil
		}
		fmt.Fprintf(d.p.Writer, "  %s\n", d.p.Error(err))
	}
}

// required asks for the settings without which a driver does not run, and for the address, which a
// serial port may replace. Settings within blocks and lists are left to more: which of them are
// needed depends on others.
func (d *dialog) required(spec driver.Spec) (settings yaml.MapSlice, err error) {
	for _, s := range firmwareconfig.SettingsOf(spec) {
		if strings.ContainsAny(s.Name, ".[") || !s.Required && s.Name != "address" {
			continue
		}
		question := "  " + d.p.Phrase("within", message.String("where", s.Name), message.Nested("cause", s.Help))
		if s.Example != "" {
			question += d.p.Phrase("laned.for-example", message.String("example", s.Example))
		}
		if s.Name == "address" && !s.Required {
			question += d.p.Phrase("laned.or-serial")
		}
		answer, err := d.ask(question, "")
		if err != nil {
			return nil, err
		}
		name := s.Name
		// A serial line has a setting of its own.
		if strings.HasPrefix(answer, "/dev/") && name == "address" {
			name = "serial.port"
		}
		if answer != "" {
			settings = set(settings, name, answer)
		}
	}
	return settings, nil
}

// more asks for one further setting, NAME=VALUE, after the file could not be used with those so
// far. "?" prints the driver's reference.
func (d *dialog) more(spec driver.Spec, settings yaml.MapSlice) (yaml.MapSlice, error) {
	for {
		answer, err := d.ask(d.p.Phrase("laned.ask-setting"), "")
		if err != nil {
			return nil, err
		}
		if answer == "?" {
			if err := firmwareconfig.WriteReference(d.p.Writer, spec, d.p.Language); err != nil {
				return nil, err
			}
			continue
		}
		if name, text, ok := strings.Cut(answer, "="); ok {
			return set(settings, strings.TrimSpace(name), strings.TrimSpace(text)), nil
		}
		d.p.Say("laned.name-value")
	}
}

// centre asks for the link to the centre; without an answer the lane works by itself.
func (d *dialog) centre(file yaml.MapSlice) (yaml.MapSlice, error) {
	for {
		broker, err := d.ask(d.p.Phrase("laned.ask-broker"), "")
		if err != nil || broker == "" {
			return file, err
		}
		whole := with(file, "uplink", yaml.MapSlice{{Key: "broker", Value: broker}})
		if d.usable(whole) {
			return whole, nil
		}
	}
}

// usable reports whether laned would run a file, and prints what is wrong with it.
func (d *dialog) usable(file yaml.MapSlice) bool {
	text, err := yaml.Marshal(file)
	if err == nil {
		_, err = firmwareconfig.Decode(text, "answers", drivers.Catalog)
	}
	var problems firmwareconfig.Problems
	switch {
	case err == nil:
		return true
	// All problems are printed, without file and line, which answers do not have.
	case errors.As(err, &problems):
		for _, p := range problems {
			fmt.Fprintf(d.p.Writer, "  %s\n", d.p.In(p.Message))
		}
	default:
		fmt.Fprintf(d.p.Writer, "  %s\n", d.p.Error(err))
	}
	return false
}

// devicesOf returns the devices of a file. Its capacity is clipped, so that appending does not
// change the file.
func devicesOf(file yaml.MapSlice) []yaml.MapSlice {
	devices, _ := value(file, "devices").([]yaml.MapSlice)
	return devices[:len(devices):len(devices)]
}

// value returns the value of a key of a block, nil when it has none.
func value(block yaml.MapSlice, key string) any {
	for _, item := range block {
		if item.Key == key {
			return item.Value
		}
	}
	return nil
}

// with returns a copy of a block with a key set. The block itself stays as it is: an answer that
// cannot be used is dropped.
func with(block yaml.MapSlice, key string, value any) (out yaml.MapSlice) {
	found := false
	for _, item := range block {
		if item.Key == key {
			item.Value, found = value, true
		}
		out = append(out, item)
	}
	if !found {
		out = append(out, yaml.MapItem{Key: key, Value: value})
	}
	return out
}

// set returns a copy of settings with one of them set. A name with dots leads into blocks:
// folder.path.
func set(settings yaml.MapSlice, name, text string) yaml.MapSlice {
	outer, inner, nested := strings.Cut(name, ".")
	if !nested {
		return with(settings, name, typed(text))
	}
	block, _ := value(settings, outer).(yaml.MapSlice)
	return with(settings, outer, set(block, inner, text))
}

// typed returns a value as YAML reads it: a number, true or false, or else the text, even if YAML
// would take it for a list or block.
func typed(text string) any {
	var v any
	if yaml.Unmarshal([]byte(text), &v) != nil {
		return text
	}
	switch v.(type) {
	case bool, int64, uint64, float64:
		return v
	}
	return text
}
