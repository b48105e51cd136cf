package repository

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"lanewarden/drivers"
	firmwareconfig "lanewarden/firmware-config"
)

// TestSettingsPages: each driver's folder has a page of its settings, which says what the code says.
func TestSettingsPages(t *testing.T) {
	if err := drivers.AddTexts(); err != nil {
		t.Fatal(err)
	}
	for _, spec := range drivers.Catalog {
		folder := strings.TrimPrefix(reflect.TypeOf(spec.Config).Elem().PkgPath(), "lanewarden/")
		file := filepath.Join(root, folder, "SETTINGS.md")
		want := firmwareconfig.Reference(spec)
		if *update {
			if err := os.WriteFile(file, want, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s/SETTINGS.md is not what the code says: go test ./cmd/internal/repository -update", folder)
		}
	}
}
