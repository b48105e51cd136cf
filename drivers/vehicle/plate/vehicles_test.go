package plate_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport"
	"lanewarden/drivers/vehicle/plate"
)

func axis(camera, car, state, plate, move string) string {
	return fmt.Sprintf(`{"packetCounter":"1","capture_timestamp":"1795859283999","plateUTF8":%q,"carID":%q,"carState":%q,
		"carMoveDirection":%q,"sensorProviderID":%q}`, plate, car, state, move, camera)
}

// Readers that tell of one vehicle several times give one read of it.
func TestOneVehicleIsOneRead(t *testing.T) {
	frigate := func(kind, id, plate string) string {
		return fmt.Sprintf(
			`{"type":%q,"after":{"id":%q,"camera":"gate","label":"truck","recognized_license_plate":%q}}`,
			kind, id, plate)
	}
	for _, test := range []struct {
		name  string
		posts []string
		want  []string
	}{
		{"comes, goes on, leaves", []string{axis("a", "4", "new", "AX 1", "in"), axis("a", "4", "update", "AX 1", "in"),
			axis("a", "4", "lost", "AX 1", "out"), axis("a", "4", "lost", "AX1", "out")}, []string{"AX1 forward"}},
		{"read better meanwhile", []string{axis("a", "4", "new", "AX 1", "in"), axis("a", "4", "update", "AX 12", "in"),
			axis("a", "4", "lost", "AX 12", "out")}, []string{"AX1 forward", "AX12 forward"}},
		{"only leaving ones are told of", []string{axis("a", "4", "lost", "AX 1", "out"),
			axis("a", "5", "lost", "AX 2", "out")},
			[]string{"AX1 reverse", "AX2 reverse"}},
		{"the same number of another camera",
			[]string{axis("a", "4", "new", "AX 1", "in"), axis("b", "4", "lost", "AX 1", "in")},
			[]string{"AX1 forward", "AX1 forward"}},
		{"comes back", []string{axis("a", "4", "new", "AX 1", "in"), axis("a", "4", "lost", "AX 1", "out"),
			axis("a", "9", "new", "AX 1", "in")}, []string{"AX1 forward", "AX1 forward"}},
		{"Frigate's updates", []string{frigate("update", "e-1", "FR 1"), frigate("update", "e-1", "FR 1"),
			frigate("end", "e-1", "FR 1"), frigate("end", "e-2", "FR 1")}, []string{"FR1 ", "FR1 "}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := start(t, &plate.Config{HTTP: &transport.HTTP{}, Zone: "UTC"})
			defer r.stop()
			for _, body := range test.posts {
				if code, text := r.post(t, "application/json", body); code != http.StatusOK {
					t.Errorf("%s: %d %s", body, code, text)
				}
			}
			var have []string
			for _, o := range r.sink.Observations() {
				if p := o.Body.GetVehiclePlate(); p != nil {
					have = append(have, p.Normal+" "+p.Direction)
				}
			}
			if !slices.Equal(have, test.want) {
				t.Errorf("reads %q, want %q", have, test.want)
			}
		})
	}
}

// A body that is no text says what it is, to the sender and in the journal.
func TestWhatIsNotTextIsNamed(t *testing.T) {
	const json = `{"plateNumber":"ABC 123"}`
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	zip.Write([]byte(json))
	zip.Close()
	wide := func(order binary.ByteOrder, mark bool) string {
		text := utf16.Encode([]rune(json))
		if mark {
			text = append([]uint16{0xfeff}, text...)
		}
		var out bytes.Buffer
		binary.Write(&out, order, text)
		return out.String()
	}
	for name, test := range map[string][2]string{
		"gzip":           {packed.String(), "compressed with gzip"},
		"UTF-16LE, mark": {wide(binary.LittleEndian, true), "UTF-16"},
		"UTF-16BE, mark": {wide(binary.BigEndian, true), "UTF-16"},
		"UTF-16LE":       {wide(binary.LittleEndian, false), "UTF-16"},
		"UTF-16BE":       {wide(binary.BigEndian, false), "UTF-16"},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, &plate.Config{HTTP: &transport.HTTP{}, Zone: "UTC"})
			defer r.stop()
			if code, text := r.post(t, "application/json", test[0]); code != http.StatusBadRequest ||
				!strings.Contains(text, test[1]) {
				t.Errorf("%d %s", code, text)
			}
			if !slices.ContainsFunc(r.sink.Observations(), func(o *observation.Observation) bool {
				return strings.Contains(o.Body.GetDeviceFault().GetReason(), test[1])
			}) {
				t.Error("the journal has no such fault")
			}
		})
	}
}
