package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/driver/profile"
	"lanewarden/drivers/trace/line"
	"lanewarden/drivers/transport"
	firmwareconfig "lanewarden/firmware-config"
)

func profileCommand() *cobra.Command {
	c := &cobra.Command{Use: "profile", Short: "Profiles of devices without a driver of their own"}
	var unit int
	test := &cobra.Command{
		Use: "test PROFILE SOURCE", Short: "Show what a profile makes of what a device says", Args: cobra.ExactArgs(2),
		Long: `Show what a profile makes of what a device says. PROFILE is the name of a built-in profile, or the path of a file. SOURCE is

  of a profile of lines:  a device's black-box tape (a directory, tapes/DEVICE in the agent's state directory), or a file with
                          the bytes as they came, for example of a terminal program
  of a Modbus profile:    the device, HOST:PORT or /dev/ttyUSB0: it is asked once, nothing is set
  of a web profile:       a file with a document, or the device, http://HOST

Exits 1 when the profile is wrong, or something was not understood.`,
		Example: `  lanectl profile test ./scale.yaml session.txt
  lanectl profile test ./lane-io.yaml 192.0.2.30:502 --unit 3
  lanectl profile test ./tyres.yaml http://192.0.2.20`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return testProfile(cmd.Context(), cmd.OutOrStdout(), args[0], args[1], unit)
		},
	}
	test.Flags().IntVar(&unit, "unit", 1, "unit id (slave address) of a Modbus device")
	c.AddCommand(test, &cobra.Command{
		Use: "list", Short: "The built-in profiles", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, p := range profileFolders {
				for _, name := range firmwareconfig.Builtin(p.folder) {
					fmt.Fprintf(cmd.OutOrStdout(), "%-24s driver %s\n", name, p.driver)
				}
			}
			return nil
		},
	})
	return c
}

func testLineProfile(w io.Writer, name, tape string) error {
	var ref driver.Ref[line.Profile]
	if err := loadNamed(&ref, firmwareconfig.Profiles, name); err != nil {
		return err
	}
	reader, err := line.NewReader(ref.Value)
	if err != nil {
		return err
	}
	t := profileTest{w: w}
	var last time.Time
	err = eachChunk(tape, func(r transport.Record) error {
		last = r.At
		switch r.Kind {
		case transport.RecordIn:
			reader.Feed(r.At, r.Data, t.event)
		case transport.RecordOut:
			fmt.Fprintf(w, "        sent %q\n", r.Data)
		case transport.RecordClose:
			reader.Break(r.At, t.event)
		}
		return nil
	})
	if err != nil {
		return err
	}
	reader.Flush(last, t.event)
	fmt.Fprintf(w, "%d %s, %d %s, %d %s\n",
		t.readings, english.PluralWord(t.readings, "message", ""), t.alarms, english.PluralWord(t.alarms, "alarm", ""),
		t.faults, english.PluralWord(t.faults, "fault", ""))
	switch {
	case t.faults > 0:
		return fmt.Errorf("not understood: %d %s", t.faults, english.PluralWord(t.faults, "line", ""))
	case t.readings == 0:
		return errors.New("the session holds no message")
	}
	return nil
}

// eachChunk reads a tape's directory, or a file of bytes.
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

// profileTest prints events.
type profileTest struct {
	w                        io.Writer
	readings, alarms, faults int
}

func (t *profileTest) event(e line.Event) {
	if !e.Fault.IsZero() {
		t.faults++
		fmt.Fprintf(t.w, "FAULT   %s\n        %q\n", e.Fault.English(), e.Frame)
		return
	}
	t.readings++
	r := e.Reading
	for _, l := range strings.Split(strings.TrimRight(string(r.Raw), "\n"), "\n") {
		fmt.Fprintf(t.w, "      > %q\n", l)
	}
	fmt.Fprintf(t.w, "%-7s %s\n", r.Kind, r.Message)
	printValues(t.w, "        ", r.Values)
	for _, row := range r.Rows {
		fmt.Fprintf(t.w, "        %s:\n", row.Name)
		printValues(t.w, "          ", row.Values)
	}
	if r.Alarm != "" {
		t.alarms++
		fmt.Fprintf(t.w, "        ALARM: %s\n", r.Alarm)
	}
}

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
