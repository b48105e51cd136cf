package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers"
	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	firmwareconfig "lanewarden/firmware-config"
)

// decodeCommand prints what files of devices hold, or with --png draws one. The format is
// recognised from the contents, not from the name. One file that cannot be decoded does not keep
// the others from being printed.
func decodeCommand() *cobra.Command {
	var asJSON bool
	var library string
	var p pictures
	c := &cobra.Command{
		Use: "decode FILE...", Short: "help.decode", Args: cobra.MinimumNArgs(1),
		Long: "help.decode.long", Example: "help.decode.example",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := p.check(cmd.Flags(), len(args)); err != nil {
				return err
			}
			// A library that does not exist is reported once, and not with each file.
			if _, _, err := firmwareconfig.ReadDocument(firmwareconfig.Substances, library); errors.Is(err, firmwareconfig.ErrNotBuiltin) {
				return cli.Usage(err)
			}
			if p.out != "" {
				return p.draw(args[0])
			}
			var errs []error
			for _, path := range args {
				if err := decode(cli.Print(cmd), path, library, asJSON); err != nil {
					errs = append(errs, fmt.Errorf("%s: %w", path, err))
				}
			}
			return errors.Join(errs...)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "help.flag.decode.json")
	c.Flags().StringVar(&library, "substances", "open-literature",
		"help.flag.substances")
	p.flags(c.Flags())
	return c
}

// decode prints one file. library names the substances that peaks of ion scanners are compared
// with.
func decode(p cli.Printer, path, library string, asJSON bool) error {
	f, err := os.Open(path)
	if err != nil {
		// The caller names the path, which the error of Open does too.
		return errors.Unwrap(err)
	}
	defer f.Close()
	format, err := drivers.Recognise(f)
	if err != nil {
		return err
	}
	d, err := format.Describe(f, filepath.Base(path))
	if err != nil {
		return message.Wrap(err, "lanectl.looks-like", message.Nested("format", format.Called()))
	}
	// Some formats are described with the help of a document, such as a library of substances.
	if d, ok := d.(driver.Referring); ok {
		ref, folder := d.Reference()
		if err := firmwareconfig.LoadDocument(ref, folder, library); err != nil {
			return err
		}
		d.Refer()
	}
	if !asJSON {
		return printText(p, path, d)
	}
	return printJSON(p.Writer, path, d)
}

// printText writes a description for a person: the file's path, then its lines, with tabs between
// columns.
func printText(p cli.Printer, path string, d driver.Description) error {
	t := tabwriter.NewWriter(p.Writer, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "%s: ", path)
	for _, line := range d.Text() {
		fmt.Fprintln(t, p.In(line))
	}
	return t.Flush()
}

// printJSON writes a description as an indented JSON object that begins with the file's path.
func printJSON(w io.Writer, path string, d driver.Description) error {
	body, err := json.Marshal(d)
	if err != nil {
		return err
	}
	// The description is a JSON object, in front of whose keys the path is put.
	name, err := json.Marshal(path)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, append([]byte(`{"file":`+string(name)+","), body[1:]...), "", "  "); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", out.Bytes())
	return err
}
