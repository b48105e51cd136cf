package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"
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
	firmwareconfig "lanewarden/firmware-config"
)

// times are a span of time as a command line gives it.
type times struct {
	since    time.Duration
	from, to string
}

func (t *times) flags(c *cobra.Command) {
	f := c.Flags()
	t.since = 10 * time.Minute
	cli.Duration(f, &t.since, "since", time.Millisecond, "from so long ago until now")
	f.StringVar(&t.from, "from", "",
		"instead of --since: from this `TIME` on, 2026-11-25T03:12:00Z, or 03:12 of today here")
	f.StringVar(&t.to, "to", "", "until this `TIME` (default now)")
}

// zoned and zonedMs are how times are written: the reader may be elsewhere than the machine.
const (
	zoned   = time.DateTime + " MST"
	zonedMs = time.DateTime + ".000 MST"
)

// moment reads a time, or a time of day.
func moment(text string) (time.Time, error) {
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
	return time.Time{}, cli.Usagef("%q is no time: write 2026-11-25T03:12:00Z, \"2026-11-25 03:12\" or 03:12", text)
}

// span returns what the flags mean. Its errors are of the command line.
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
		err = cli.Usagef("the time ends (%s) before it begins (%s): turn --from and --to round",
			to.Local().Format(zoned), from.Local().Format(zoned))
	}
	return from, to, err
}

func captureCommand() *cobra.Command {
	var span times
	var format, out string
	c := &cobra.Command{
		Use: "capture DEVICE", Short: "Save the raw bytes of a device, for Wireshark or to replay",
		Args: cobra.ExactArgs(1),
		Long: `Save what passed between a device and the agent, from the device's black-box tape. The format pcapng is opened by
Wireshark: the bytes are the device's, the packets around them are made up, on the protocol's registered port. The format
tape is what 'lanectl replay' reads; it holds what the agent journalled as well, and the lane file. Passwords are on neither.`,
		Example: `  lanectl capture rpm-1 --from 03:10 --to 03:15
  lanectl capture io-1 --since 1h --format tape --out io-1.tape`,
	}
	socket := socketFlag(c)
	span.flags(c)
	format = "pcapng"
	cli.Choice(c.Flags(), &format, "format", "pcapng, or tape", "pcapng", "tape")
	c.Flags().StringVarP(&out, "out", "o", "",
		"`FILE` to write (default DEVICE.pcapng or DEVICE.tape; - for standard output)")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		from, to, err := span.span()
		if err != nil {
			return err
		}
		r, err := fetchRecording(cmd.Context(), *socket, args[0], from, to)
		if err != nil {
			return err
		}
		if len(r.Records) == 0 {
			return fmt.Errorf("nothing of %s is on its tape from %s to %s",
				args[0], from.Local().Format(zoned), to.Local().Format(zoned))
		}
		if out == "" {
			out = filepath.Base(args[0]) + "." + format
		}
		return writeTo(cmd, out, func(w io.Writer) error {
			if format == "tape" {
				return r.Write(w)
			}
			spec, _ := drivers.Find(r.About.Driver)
			return r.Pcapng(w, spec.Port)
		}, fmt.Sprintf("%d %s, %d %s of %s",
			len(r.Records), english.PluralWord(len(r.Records), "record", ""), len(r.Observed),
			english.PluralWord(len(r.Observed), "observation", ""), args[0]))
	}
	return c
}

// writeTo writes a file, whole or not at all, or standard output for -, and says what it wrote.
func writeTo(cmd *cobra.Command, path string, write func(io.Writer) error, what string) error {
	if path == "-" {
		return write(cmd.OutOrStdout())
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
	fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", path, what)
	return nil
}

func fetchRecording(ctx context.Context, socket, device string, from, to time.Time) (*diag.Recording, error) {
	body, err := api.GetRecording.Open(ctx, local(socket), api.RecordingQuery{Device: device, From: from, To: to})
	if err != nil {
		return nil, explain(socket, err)
	}
	defer body.Close()
	return diag.Read(body)
}

func replayCommand() *cobra.Command {
	var span times
	var config, profile, device string
	var asJSON, all bool
	c := &cobra.Command{
		Use: "replay [FILE]", Short: "Run a recording through its driver again, beside what was journalled",
		Args: cobra.MaximumNArgs(1),
		Long: `Run a recording through its driver in a sandbox, and show what the driver observes beside what the agent journalled.
FILE is of 'lanectl capture --format tape'; without it, the recording is fetched from the agent (--device). Nothing is
written, no device is touched. --config takes other settings, --profile another profile: what would that have made of it?
Exits 1 when anything differs.

  =  the same      ~  both, but different      -  only journalled      +  only in the replay`,
		Example: "  lanectl replay --device rpm-1 --from 03:10 --to 03:15\n" +
			"  lanectl replay scanner.tape --profile ./new.yaml",
	}
	socket := socketFlag(c)
	span.flags(c)
	f := c.Flags()
	f.StringVar(&device, "device", "", "device of the agent, instead of FILE")
	f.StringVar(&config, "config", "",
		"lane file `FILE` to take the device's settings from (default the one in the recording)")
	f.StringVar(&profile, "profile", "",
		"profile of an ASCII instrument: a built-in one by name, or a file by its path")
	f.BoolVar(&asJSON, "json", false, "as NDJSON, for programs")
	f.BoolVar(&all, "all", false, "show also what is the same")
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
			return cli.Usagef("give FILE, or --device, one of them")
		}
		if err != nil {
			return err
		}
		matches, err := replay(cmd.Context(), r, config, profile)
		if err != nil && matches == nil {
			return err
		}
		return errors.Join(printMatches(cmd.OutOrStdout(), matches, asJSON, all), err)
	}
	return c
}

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

// replay runs a recording with the settings that a lane file gives its device.
func replay(ctx context.Context, r *diag.Recording, config, profile string) ([]diag.Match, error) {
	name, text := "the recording's lane file", []byte(r.About.Config)
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
	return nil, fmt.Errorf("%s has no device %s", name, r.About.Device)
}

// reprofile puts another profile into the settings of an ASCII instrument.
func reprofile(settings any, profile string) error {
	switch s := settings.(type) {
	case *line.Config:
		return loadNamed(&s.Profile, firmwareconfig.Profiles, profile)
	case *ionscan.Config:
		return loadNamed(&s.Profile, firmwareconfig.Profiles, profile)
	}
	return errors.New("--profile is for ASCII instruments; this device has none")
}

// loadNamed loads a document that the command line names. That no built-in one has the name is a usage error.
func loadNamed(ref driver.Reference, folder, name string) error {
	err := firmwareconfig.LoadDocument(ref, folder, name)
	if errors.Is(err, firmwareconfig.ErrNotBuiltin) {
		return cli.Usage(err)
	}
	return err
}

// sides are a match as --json gives it.
type sides struct {
	Match    string          `json:"match"` // same, different, recorded, replayed
	Recorded json.RawMessage `json:"recorded,omitempty"`
	Replayed json.RawMessage `json:"replayed,omitempty"`
}

func printMatches(w io.Writer, matches []diag.Match, asJSON, all bool) error {
	counts := map[string]int{}
	enc := json.NewEncoder(w)
	for _, m := range matches {
		s := sides{Match: verdict(m), Recorded: asText(m.Recorded), Replayed: asText(m.Replayed)}
		counts[s.Match]++
		switch {
		case asJSON:
			if err := enc.Encode(s); err != nil {
				return err
			}
		case s.Match == "different":
			printSide(w, "~-", m.Recorded, s.Recorded)
			printSide(w, "~+", m.Replayed, s.Replayed)
		case s.Match == "recorded":
			printSide(w, "- ", m.Recorded, s.Recorded)
		case s.Match == "replayed":
			printSide(w, "+ ", m.Replayed, s.Replayed)
		case all:
			printSide(w, "= ", m.Recorded, s.Recorded)
		}
	}
	if !asJSON {
		fmt.Fprintf(w, "%d the same, %d different, %d only journalled, %d only in the replay\n",
			counts["same"], counts["different"], counts["recorded"], counts["replayed"])
	}
	if n := len(matches) - counts["same"]; n > 0 {
		return fmt.Errorf("different: %d of %d %s",
			n, len(matches), english.PluralWord(len(matches), "observation", ""))
	}
	return nil
}

func verdict(m diag.Match) string {
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

func printSide(w io.Writer, mark string, o *observation.Observation, text json.RawMessage) {
	at := time.Unix(0, o.TimeNs).Local().Format(zonedMs)
	fmt.Fprintf(w, "%s %s  %-9s  %-20s  %s\n", mark, at, strings.ToLower(o.Class.Name()), o.Body.Kind().Name(),
		gist(text, message.English))
}
