package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/driver"
	"lanewarden/drivers/driver/profile"
	"lanewarden/drivers/message"
	"lanewarden/drivers/trace/line"
	"lanewarden/drivers/transport"
	firmwareconfig "lanewarden/firmware-config"
)

// profileCommand lists the built-in profiles, and shows what a profile makes of recorded or live
// data of a device, so that a technician can write one without an agent.
func profileCommand() *cobra.Command {
	c := &cobra.Command{Use: "profile", Short: "help.profile"}
	var unit int
	test := &cobra.Command{
		Use: "test PROFILE SOURCE", Short: "help.profile-test", Args: cobra.ExactArgs(2),
		Long: "help.profile-test.long",
		Example: `  lanectl profile test ./scale.yaml session.txt
  lanectl profile test ./lane-io.yaml 192.0.2.30:502 --unit 3
  lanectl profile test ./tyres.yaml http://192.0.2.20`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return testProfile(cmd.Context(), cli.Print(cmd), args[0], args[1], unit)
		},
	}
	test.Flags().IntVar(&unit, "unit", 1, "help.flag.unit")
	c.AddCommand(test, &cobra.Command{
		Use: "list", Short: "help.profile-list", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, p := range profileFolders {
				for _, name := range firmwareconfig.Builtin(p.folder) {
					fmt.Fprintf(cmd.OutOrStdout(), "%-24s %s\n", name,
						cli.Print(cmd).Phrase("lanectl.of-driver", message.String("driver", p.driver)))
				}
			}
			return nil
		},
	})
	return c
}

// testLineProfile prints what a profile of an ASCII instrument reads in a tape or a file of bytes.
// Lines that it cannot read, and data without any message, are errors.
func testLineProfile(p cli.Printer, name, tape string) error {
	var ref driver.Ref[line.Profile]
	if err := loadNamed(&ref, firmwareconfig.Profiles, name); err != nil {
		return err
	}
	reader, err := line.NewReader(ref.Value)
	if err != nil {
		return err
	}
	t := profileTest{p: p}
	var last time.Time
	err = eachChunk(tape, func(r transport.Record) error {
		last = r.At
		switch r.Kind {
		case transport.RecordIn:
			reader.Feed(r.At, r.Data, t.event)
		case transport.RecordOut:
			fmt.Fprintf(p.Writer, "        %s %q\n", p.Phrase("lanectl.sent"), r.Data)
		case transport.RecordClose:
			reader.Break(r.At, t.event)
		}
		return nil
	})
	if err != nil {
		return err
	}
	// A message that ends with a silence of the line ends with the recording.
	reader.Flush(last, t.event)
	p.Say("lanectl.profile-read", message.Nested("messages", message.New("lanectl.messages", message.Count("n", t.readings))),
		message.Nested("alarms", message.New("kinds.count.alarm", message.Count("n", t.alarms))),
		message.Nested("faults", message.New("lanectl.faults", message.Count("n", t.faults))))
	switch {
	case t.faults > 0:
		return message.Errorf("lanectl.lines-unread", message.Count("n", t.faults))
	case t.readings == 0:
		return message.Errorf("lanectl.no-message")
	}
	return nil
}

// eachChunk calls f for each record of a tape's directory, or for the bytes of a file, as if they
// had come when it was last written. Data is valid only during the call.
func eachChunk(path string, f func(transport.Record) error) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return transport.ReadTape(path, f)
	}
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	buf := make([]byte, 4<<10)
	for {
		n, err := in.Read(buf)
		if n > 0 {
			if err := f(transport.Record{At: info.ModTime(), Kind: transport.RecordIn, Data: buf[:n]}); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// profileTest prints and counts the events of a line profile.
type profileTest struct {
	p                        cli.Printer
	readings, alarms, faults int
}

// event prints a message with its raw lines, values and alarm; or what could not be read, with the
// bytes.
func (t *profileTest) event(e line.Event) {
	if !e.Fault.IsZero() {
		t.faults++
		fmt.Fprintf(t.p.Writer, "%-7s %s\n        %q\n", t.p.Phrase("lanectl.fault"), t.p.In(e.Fault), e.Frame)
		return
	}
	t.readings++
	r := e.Reading
	for _, l := range strings.Split(strings.TrimRight(string(r.Raw), "\n"), "\n") {
		fmt.Fprintf(t.p.Writer, "      > %q\n", l)
	}
	fmt.Fprintf(t.p.Writer, "%-7s %s\n", r.Kind, r.Message)
	printValues(t.p.Writer, "        ", r.Values)
	for _, row := range r.Rows {
		fmt.Fprintf(t.p.Writer, "        %s:\n", row.Name)
		printValues(t.p.Writer, "          ", row.Values)
	}
	if !r.Alarm.IsZero() {
		t.alarms++
		fmt.Fprintf(t.p.Writer, "        %s\n", t.p.Phrase("lanectl.alarm-is", message.Nested("what", r.Alarm)))
	}
}

// printValues prints values with their units, one a line.
func printValues(w io.Writer, indent string, values []profile.Value) {
	for _, v := range values {
		switch {
		case !v.Time.IsZero():
			fmt.Fprintf(w, "%s%-18s %s\n", indent, v.Name, v.Time.Format("2006-01-02 15:04:05.999 MST"))
		case v.IsNum:
			fmt.Fprintf(w, "%s%-18s %g %s\n", indent, v.Name, v.Number, v.Unit)
		default:
			fmt.Fprintf(w, "%s%-18s %q\n", indent, v.Name, v.Text)
		}
	}
}
