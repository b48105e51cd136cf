package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers"
	"lanewarden/drivers/driver"
	firmwareconfig "lanewarden/firmware-config"
)

func decodeCommand() *cobra.Command {
	var asJSON bool
	var library string
	var p pictures
	c := &cobra.Command{
		Use: "decode FILE...", Short: "Say what device files hold, and draw them", Args: cobra.MinimumNArgs(1),
		Long: "Say what files of any driver hold. A file's format is recognised by its content. Formats:\n" + formatList() +
			"\nExits 1 when a file cannot be read, after all others were.",
		Example: `  lanectl decode --json pass.n42
  lanectl decode --png truck.png truck-dx.dcs --with truck-dx-low.dcs --with truck-tdr.dcs     # pseudo-colour, threats outlined
  lanectl decode --png detail.png truck-dx.dcs --region 1200,300,400,300 --log --equalise
  lanectl decode --png detail16.png truck-dx.dcs --region 1200,300,400,300 --exact             # values as they are, 16 bits`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := p.check(cmd.Flags(), len(args)); err != nil {
				return err
			}
			if _, _, err := firmwareconfig.ReadDocument(firmwareconfig.Substances, library); errors.Is(err, firmwareconfig.ErrNotBuiltin) {
				return cli.Usage(err)
			}
			if p.out != "" {
				return p.draw(args[0])
			}
			var errs []error
			for _, path := range args {
				if err := decode(cmd.OutOrStdout(), path, library, asJSON); err != nil {
					errs = append(errs, fmt.Errorf("%s: %w", path, err))
				}
			}
			return errors.Join(errs...)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object a file, for programs")
	c.Flags().StringVar(&library, "substances", "open-literature",
		"`LIBRARY` that ion mobility spectra are held against: a built-in one by name, or a file by its path")
	p.flags(c.Flags())
	return c
}

func formatList() string {
	var b strings.Builder
	for _, f := range drivers.Formats() {
		fmt.Fprintf(&b, "  %-12s %s\n", f.Name, f.Title)
	}
	return b.String()
}

func decode(w io.Writer, path, library string, asJSON bool) error {
	f, err := os.Open(path)
	if err != nil {
		return errors.Unwrap(err)
	}
	defer f.Close()
	format, err := drivers.Recognise(f)
	if err != nil {
		return err
	}
	d, err := format.Describe(f, filepath.Base(path))
	if err != nil {
		return fmt.Errorf("looks like %s, but: %w", format.Title, err)
	}
	if d, ok := d.(driver.Referring); ok {
		ref, folder := d.Reference()
		if err := firmwareconfig.LoadDocument(ref, folder, library); err != nil {
			return err
		}
		d.Refer()
	}
	return print(w, path, d, asJSON)
}

func print(w io.Writer, path string, d driver.Description, asJSON bool) error {
	if !asJSON {
		_, err := fmt.Fprintf(w, "%s: %s\n", path, strings.Join(d.Text(), "\n"))
		return err
	}
	body, err := json.Marshal(d)
	if err != nil {
		return err
	}
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
