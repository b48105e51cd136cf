package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers"
	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/trace/ionscan"
	"lanewarden/drivers/trace/line"
	"lanewarden/edge/api"
	"lanewarden/edge/diag"
	"lanewarden/edge/diag/pcapng"
	firmwareconfig "lanewarden/firmware-config"
)

// times is a span of time as the command line gives it: --since back from now, or --from and --to.
type times struct {
	since    time.Duration
	from, to string
}

// flags adds the flags. The default is the last ten minutes.
func (t *times) flags(c *cobra.Command) {
	f := c.Flags()
	t.since = 10 * time.Minute
	cli.Duration(f, &t.since, "since", time.Millisecond, "help.flag.flags.since")
	f.StringVar(&t.from, "from", "",
		"help.flag.flags.from")
	f.StringVar(&t.to, "to", "", "help.flag.to")
}

// zoned and zonedMs are the layouts of times in output. They have the zone, as the reader may be
// elsewhere than the machine.
const (
	zoned   = time.DateTime + " MST"
	zonedMs = time.DateTime + ".000 MST"
)

// moment parses a time: RFC 3339, or a date and time or a time of today in this machine's zone. Its
// error is of the command line.
func moment(text string) (time.Time, error) {
	// RFC 3339 names its zone; the other forms are in this machine's.
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t, nil
	}
	for _, layout := range []string{"15:04:05", "15:04"} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			y, m, d := time.Now().Date()
			return time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), 0, time.Local), nil
		}
	}
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02 15:04"} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, cli.Usagef("lanectl.no-time", message.Quoted("text", text))
}

// span returns the span that the flags give, which is never empty. Its errors are of the command
// line.
func (t *times) span() (from, to time.Time, err error) {
	to = time.Now()
	from = to.Add(-t.since)
	if t.from != "" {
		from, err = moment(t.from)
	}
	if t.to != "" && err == nil {
		to, err = moment(t.to)
	}
	if err == nil && !from.Before(to) {
		err = cli.Usagef("lanectl.time-backwards",
			message.String("from", from.Local().Format(zoned)), message.String("to", to.Local().Format(zoned)))
	}
	return from, to, err
}

// captureCommand saves what a device and its driver said to each other: as pcapng, which Wireshark
// reads, or as a tape, which replay reads.
func captureCommand() *cobra.Command {
	var span times
	var format, out string
	c := &cobra.Command{
		Use: "capture DEVICE", Short: "help.capture",
		Args: cobra.ExactArgs(1),
		Long: "help.capture.long",
		Example: `  lanectl capture rpm-1 --from 03:10 --to 03:15
  lanectl capture io-1 --since 1h --format tape --out io-1.tape`,
	}
	socket := socketFlag(c)
	span.flags(c)
	format = "pcapng"
	cli.Choice(c.Flags(), &format, "format", "help.flag.format", "pcapng", "tape")
	c.Flags().StringVarP(&out, "out", "o", "",
		"help.flag.capture.out")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		from, to, err := span.span()
		if err != nil {
			return err
		}
		r, err := fetchRecording(cmd.Context(), *socket, args[0], from, to)
		if err != nil {
			return err
		}
		// Tapes are bounded in size, so that what is long ago may be gone.
		if len(r.Records) == 0 {
			return message.Errorf("lanectl.empty-tape", message.String("device", args[0]),
				message.String("from", from.Local().Format(zoned)), message.String("to", to.Local().Format(zoned)))
		}
		// The device's name comes from the command line, and must not choose a folder.
		if out == "" {
			out = filepath.Base(args[0]) + "." + format
		}
		return writeTo(cmd, out, func(w io.Writer) error {
			if format == "tape" {
				return r.Write(w)
			}
			// A driver that this version does not know has port 0, for which none is made up.
			spec, _ := drivers.Find(r.About.Driver)
			return pcapng.Write(w, r, spec.Port)
		}, message.New("lanectl.captured", message.String("device", args[0]),
			message.Nested("records", message.New("lanectl.records", message.Count("n", len(r.Records)))),
			message.Nested("observations", message.New("lanectl.observations", message.Count("n", len(r.Observed))))))
	}
	return c
}

// writeTo writes a file, or standard output for "-", and then prints what was written. The file
// appears whole or not at all: write fills a temporary one beside it, which is renamed. It is
// readable by its owner only, as CreateTemp makes it: recordings hold plates and names.
func writeTo(cmd *cobra.Command, path string, write func(io.Writer) error, what message.Message) error {
	if path == "-" {
		return write(cmd.OutOrStdout())
	}
	if err := cli.Replaceable(path); err != nil {
		return err
	}
	part, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(part.Name())
	err = errors.Join(write(part), part.Close())
	if err == nil {
		err = os.Rename(part.Name(), path)
	}
	if err != nil {
		return err
	}
	cli.Print(cmd).Say("within", message.String("where", path), message.Nested("cause", what))
	return nil
}

// fetchRecording asks the agent for a device's recording of a span, and decodes it.
func fetchRecording(ctx context.Context, socket, device string, from, to time.Time) (*diag.Recording, error) {
	body, err := api.GetRecording.Open(ctx, local(socket), api.RecordingQuery{Device: device, From: from, To: to})
	if err != nil {
		return nil, explain(socket, err)
	}
	defer body.Close()
	return diag.Read(body)
}

// replayCommand runs a recording through the driver again, offline, and prints where its
// observations differ from those that were recorded. Differences are an error, so that scripts can
// test a new profile against old recordings.
func replayCommand() *cobra.Command {
	var span times
	var config, profile, device string
	var asJSON, all bool
	c := &cobra.Command{
		Use: "replay [FILE]", Short: "help.replay",
		Args: cobra.MaximumNArgs(1),
		Long: "help.replay.long",
		Example: "  lanectl replay --device rpm-1 --from 03:10 --to 03:15\n" +
			"  lanectl replay scanner.tape --profile ./new.yaml",
	}
	socket := socketFlag(c)
	span.flags(c)
	f := c.Flags()
	f.StringVar(&device, "device", "", "help.flag.replay.device")
	f.StringVar(&config, "config", "",
		"help.flag.replay.config")
	f.StringVar(&profile, "profile", "",
		"help.flag.profile")
	f.BoolVar(&asJSON, "json", false, "help.flag.replay.json")
	f.BoolVar(&all, "all", false, "help.flag.all")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		var r *diag.Recording
		var err error
		switch {
		case len(args) == 1 && device == "":
			r, err = readRecording(args[0])
		case len(args) == 0 && device != "":
			var from, to time.Time
			if from, to, err = span.span(); err == nil {
				r, err = fetchRecording(cmd.Context(), *socket, device, from, to)
			}
		default:
			return cli.Usagef("lanectl.file-or-device")
		}
		if err != nil {
			return err
		}
		matches, err := replay(cmd.Context(), r, config, profile)
		// What the driver observed before it failed is compared all the same.
		if err != nil && matches == nil {
			return err
		}
		return errors.Join(printMatches(cli.Print(cmd), matches, asJSON, all), err)
	}
	return c
}

// readRecording reads a tape that capture has written. Errors name the file.
func readRecording(path string) (*diag.Recording, error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	r, err := diag.Read(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// replay runs a recording with the settings that a lane file gives its device: the file config, or
// else the lane file that was in force at the time and is part of the recording. profile, unless
// empty, replaces the device's profile. Matches may come together with an error, when the driver
// gave up in the middle.
func replay(ctx context.Context, r *diag.Recording, config, profile string) ([]diag.Match, error) {
	// The name is for error messages: the recording has the lane file's text, not its path.
	name, text := r.About.Device+".yaml", []byte(r.About.Config)
	if config != "" {
		var err error
		if text, err = os.ReadFile(config); err != nil {
			return nil, err
		}
		name = config
	}
	cfg, err := firmwareconfig.Decode(text, name, drivers.Catalog)
	if err != nil {
		return nil, err
	}
	for _, d := range cfg.Devices {
		if d.ID != r.About.Device {
			continue
		}
		if profile != "" {
			if err := reprofile(d.Settings, profile); err != nil {
				return nil, err
			}
		}
		spec, _ := drivers.Find(d.Driver)
		replayed, err := diag.Replay(ctx, spec, d.Settings, r)
		if err != nil && len(replayed) == 0 {
			return nil, err
		}
		return r.Compare(replayed), err
	}
	return nil, message.Errorf("lanectl.no-device", message.String("file", name), message.String("device", r.About.Device))
}

// reprofile puts another profile into the settings of an ASCII instrument. Other drivers have no
// profile that could be replaced, which is an error.
func reprofile(settings any, profile string) error {
	switch s := settings.(type) {
	case *line.Config:
		return loadNamed(&s.Profile, firmwareconfig.Profiles, profile)
	case *ionscan.Config:
		return loadNamed(&s.Profile, firmwareconfig.Profiles, profile)
	}
	return message.Errorf("lanectl.no-profile")
}

// loadNamed loads a document that the command line names: a built-in one or a file. A name that is
// neither is a usage error.
func loadNamed(ref driver.Reference, folder, name string) error {
	err := firmwareconfig.LoadDocument(ref, folder, name)
	if errors.Is(err, firmwareconfig.ErrNotBuiltin) {
		return cli.Usage(err)
	}
	return err
}

// sides is a match as --json gives it. A side without observation is left out.
type sides struct {
	Match    string          `json:"match"` // same, different, recorded, replayed
	Recorded json.RawMessage `json:"recorded,omitempty"`
	Replayed json.RawMessage `json:"replayed,omitempty"`
}

// printMatches prints what differs between recording and replay, in the manner of diff: - for what
// only the recording has, + for what only the replay has, ~ for both sides of what changed. With
// all, it prints what is the same, too. It returns an error when anything differs.
func printMatches(p cli.Printer, matches []diag.Match, asJSON, all bool) error {
	counts := map[string]int{}
	enc := json.NewEncoder(p.Writer)
	for _, m := range matches {
		s := sides{Match: matchName(m), Recorded: asText(m.Recorded), Replayed: asText(m.Replayed)}
		counts[s.Match]++
		switch {
		case asJSON:
			if err := enc.Encode(s); err != nil {
				return err
			}
		case s.Match == "different":
			printSide(p, "~-", m.Recorded, s.Recorded)
			printSide(p, "~+", m.Replayed, s.Replayed)
		case s.Match == "recorded":
			printSide(p, "- ", m.Recorded, s.Recorded)
		case s.Match == "replayed":
			printSide(p, "+ ", m.Replayed, s.Replayed)
		case all:
			printSide(p, "= ", m.Recorded, s.Recorded)
		}
	}
	if !asJSON {
		p.Say("lanectl.compared", message.Int("same", counts["same"]), message.Int("different", counts["different"]),
			message.Int("recorded", counts["recorded"]), message.Int("replayed", counts["replayed"]))
	}
	// With --json, too: a script sees differences by the exit code.
	if n := len(matches) - counts["same"]; n > 0 {
		return message.Errorf("lanectl.differences", message.Int("different", n), message.Count("n", len(matches)))
	}
	return nil
}

// matchName returns the word for a match in --json.
func matchName(m diag.Match) string {
	switch {
	case m.Same():
		return "same"
	case m.Recorded == nil:
		return "replayed"
	case m.Replayed == nil:
		return "recorded"
	}
	return "different"
}

// asText returns an observation as JSON; nil for none, and for one that this version cannot encode.
func asText(o *observation.Observation) json.RawMessage {
	if o == nil {
		return nil
	}
	text, err := observation.JSON(o)
	if err != nil {
		return nil
	}
	return text
}

// printSide prints one observation on a line: when, class, kind and the beginning of what it says.
// o is not nil.
func printSide(p cli.Printer, mark string, o *observation.Observation, text json.RawMessage) {
	at := time.Unix(0, o.TimeNs).Local().Format(zonedMs)
	fmt.Fprintf(p.Writer, "%s %s  %-9s  %-*s  %s\n", mark, at, classWord(p, o.Class), kindWidth,
		kindWord(p, o.Body.Kind().Name()), gist(text, p.Language))
}
