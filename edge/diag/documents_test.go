package diag

import (
	"context"
	"testing"

	"lanewarden/drivers/transport"
	"lanewarden/drivers/vehicle/plate"
)

// TestReplayOfReadsWithoutTime: a read whose reader gives no time has that of its record, not that of the replay.
func TestReplayOfReadsWithoutTime(t *testing.T) {
	r := recording(t, transport.Record{At: at(3), Kind: transport.RecordDocument, Data: []byte("payload.json\x00{\"plateNumber\":\"QRS482\"}")})
	got, err := Replay(context.Background(), plate.Spec, &plate.Config{}, r)
	if err != nil || len(got) != 1 || !got[0].Time().Equal(at(3)) {
		t.Errorf("%v %v", got, err)
	}
}
