package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/observation/coded"
	"lanewarden/edge/evidence"
	"lanewarden/edge/evidence/personal"
	"lanewarden/edge/journal"
)

// exportCommand writes rows of a journal with the proof that they are unaltered, for someone who
// has neither journal nor agent. It reads the database itself, so that it works on a copy, too.
func exportCommand() *cobra.Command {
	var passage, rows, device, out string
	var span times
	c := &cobra.Command{
		Use: "export PATH", Short: "help.export", Args: cobra.ExactArgs(1),
		Long: "help.export.long",
		Example: `  lanectl export /var/lib/lanewarden --passage lane-1-20261125T031202-7 --out passage.json
  lanectl export /var/lib/lanewarden --rows 17,20-25 --out rows.json`,
	}
	f := c.Flags()
	f.StringVar(&passage, "passage", "", "help.flag.passage")
	f.StringVar(&rows, "rows", "", "help.flag.export.rows")
	f.StringVar(&device, "device", "", "help.flag.export.device")
	f.StringVarP(&out, "out", "o", "-", "help.flag.export.out")
	span.flags(c)
	c.RunE = func(cmd *cobra.Command, args []string) error {
		choice, err := choose(passage, rows, device, span)
		if err != nil {
			return err
		}
		path, isLedger, err := find(args[0])
		if err != nil {
			return atPath(args[0], err)
		}
		if isLedger {
			return message.Errorf("lanectl.export-ledger")
		}
		take, err := choice(path)
		if err != nil {
			return err
		}
		e, err := journal.Export(path, take)
		if err != nil {
			return err
		}
		if len(e.Records) == 0 {
			return message.Errorf("lanectl.export-none")
		}
		return writeTo(cmd, out, func(w io.Writer) error {
			enc := json.NewEncoder(w)
			// People look at exports, too.
			enc.SetIndent("", " ")
			return enc.Encode(e)
		}, message.New("lanectl.exported", message.Count("n", len(e.Records)), message.String("origin", e.Origin)))
	}
	return c
}

// rowTest reports whether a row is to be exported.
type rowTest func(*journal.Row) bool

// choose checks which of --passage, --rows and --device is given, and returns a function that makes
// the test of rows for the journal at a path. Its own errors are of the command line; those of the
// function, of the journal.
func choose(passage, rows, device string, span times) (func(path string) (rowTest, error), error) {
	given := slices.DeleteFunc([]string{passage, rows, device}, func(s string) bool { return s == "" })
	if len(given) != 1 {
		return nil, cli.Usagef("cli.one-flag", message.String("flags", "--passage, --rows, --device"))
	}
	if passage != "" {
		// Only the journal knows which rows a passage has.
		return func(path string) (rowTest, error) {
			of, err := ofPassage(path, passage)
			return func(r *journal.Row) bool { return of[r.Idx] }, err
		}, nil
	}
	var test rowTest
	if rows != "" {
		ranges, err := parseRows(rows)
		if err != nil {
			return nil, err
		}
		test = func(r *journal.Row) bool {
			return slices.ContainsFunc(ranges, func(x [2]int64) bool { return r.Idx >= x[0] && r.Idx <= x[1] })
		}
	} else {
		from, to, err := span.span()
		if err != nil {
			return nil, err
		}
		test = func(r *journal.Row) bool {
			return r.Device == device && r.Time >= from.UnixNano() && r.Time <= to.UnixNano()
		}
	}
	return func(string) (rowTest, error) { return test, nil }, nil
}

// ofPassage lists the row of a passage's document and those of its readings. Only closed passages
// have one.
func ofPassage(path, id string) (map[int64]bool, error) {
	of := map[int64]bool{}
	err := journal.Each(path, func(r *journal.Row) error {
		o, err := r.Observation()
		if err != nil {
			return err
		}
		if p := o.Body.GetPassageClosed(); p != nil && p.Id == id {
			of[r.Idx] = true
			for _, reading := range p.Readings {
				of[reading.Idx] = true
			}
		}
		return nil
	})
	if err == nil && len(of) == 0 {
		err = message.Errorf("lanectl.no-closed-passage", message.String("passage", id))
	}
	return of, err
}

// parseRows parses 17,20-25 into ranges with both ends included. Its error is of the command line.
func parseRows(text string) (out [][2]int64, err error) {
	for part := range strings.SplitSeq(text, ",") {
		low, high, isRange := strings.Cut(strings.TrimSpace(part), "-")
		var one [2]int64
		one[0], err = strconv.ParseInt(low, 10, 64)
		one[1] = one[0]
		if isRange && err == nil {
			one[1], err = strconv.ParseInt(high, 10, 64)
		}
		if err != nil || one[1] < one[0] {
			return nil, cli.Usagef("lanectl.rows", message.Quoted("value", text))
		}
		out = append(out, one)
	}
	return out, nil
}

// maxExport bounds the bytes that are read of an export: it is from elsewhere, and is read into
// memory.
const maxExport = 1 << 30

// verifyExport checks a file that export has written, and prints the verdict. key is the agent's
// public key; "" trusts the key in the file, which is then printed, as it proves only that one
// holder of that key signed. wrong is the number of findings; an error means that the file could
// not be checked at all.
func verifyExport(p cli.Printer, path, key string) (wrong int, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	var e evidence.Export
	if err := json.NewDecoder(io.LimitReader(f, maxExport)).Decode(&e); err != nil {
		return 0, message.Wrap(err, "lanectl.no-export")
	}
	size, findings, err := e.Check(key)
	if err != nil {
		return 0, err
	}
	for i := range e.Records {
		if err := readable(&e.Records[i]); err != nil {
			findings = append(findings, coded.New("evidence.row",
				coded.Number("row", e.Records[i].Idx), coded.CausedBy(err)))
		}
	}
	p.Say("lanectl.verified-export", message.Nested("verdict", verdict(len(findings) == 0)), message.String("path", path),
		message.String("origin", e.Origin), message.Count("n", len(e.Records)), message.String("size", strconv.FormatInt(size, 10)))
	if key == "" {
		p.Say("lanectl.export-own-key", message.String("key", e.Key))
	}
	printFindingLines(p, findings)
	return len(findings), nil
}

// readable checks that the readable form of a record, which people look at, says what the proven
// bytes say.
func readable(r *evidence.ExportedRecord) error {
	if len(r.Observation) == 0 {
		return nil
	}
	var shown observation.Observation
	err := observation.FromJSON(r.Observation, &shown)
	if err != nil { // exports of earlier versions have hashes in base64
		err = protojson.Unmarshal(r.Observation, &shown)
	}
	if err != nil {
		return fmt.Errorf("its readable form: %w", err)
	}
	text, err := opened(r)
	if err != nil {
		return err
	}
	var body observation.Body
	if err := proto.Unmarshal(text, &body); err != nil {
		return err
	}
	dropped := dropReserved(body.ProtoReflect())
	if dropped && !sameText(r.Observation, &shown) || !proto.Equal(shown.Body, &body) ||
		shown.Device != r.Device || shown.TimeNs != r.TimeNs || uint8(shown.Class) != r.Class {
		return message.Errorf("lanectl.export-differs")
	}
	return nil
}

// opened returns the body of a record with the personal values that came with it, which are those that the proven bytes
// commit to; without them when they were erased.
func opened(r *evidence.ExportedRecord) ([]byte, error) {
	if len(r.Salt) == 0 {
		return personal.Erased(observation.Kind(r.Kind), r.Body, "")
	}
	values, err := personal.ParseContent(r.Salt, r.Personal)
	if err != nil {
		return nil, err
	}
	return personal.Join(r.Body, values)
}

// dropReserved removes from a message, recursively, fields whose numbers are reserved by now:
// earlier versions wrote them, and the readable form has no name for them. Other unknown fields
// stay, so that what this version cannot read is never called the same. It reports whether there
// were any.
func dropReserved(m protoreflect.Message) (dropped bool) {
	reserved := m.Descriptor().ReservedRanges()
	var keep protoreflect.RawFields
	for rest := m.GetUnknown(); len(rest) > 0; {
		number, _, n := protowire.ConsumeField(rest)
		if n < 0 {
			return dropped // no field: it stays as it is
		}
		if reserved.Has(number) {
			dropped = true
		} else {
			keep = append(keep, rest[:n]...)
		}
		rest = rest[n:]
	}
	m.SetUnknown(keep)
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.Kind() != protoreflect.MessageKind || f.IsMap():
		case f.IsList():
			for i := range v.List().Len() {
				dropped = dropReserved(v.List().Get(i).Message()) || dropped
			}
		default:
			dropped = dropReserved(v.Message()) || dropped
		}
		return true
	})
	return dropped
}

// sameText reports whether a readable form is exactly what this version writes of what it has read:
// nothing was ignored.
func sameText(text json.RawMessage, read *observation.Observation) bool {
	var compact bytes.Buffer
	own, err := observation.JSON(read)
	return err == nil && json.Compact(&compact, text) == nil && bytes.Equal(compact.Bytes(), own)
}

// isExport reports whether a path is a file that export could have written, by its name.
func isExport(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && filepath.Ext(path) == ".json"
}
