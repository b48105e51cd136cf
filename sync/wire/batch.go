package wire

import (
	"math"
	"strconv"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence"
	"lanewarden/edge/evidence/personal"
)

// Bounds on a batch, for its receiver.
const (
	MaxRows    = 16384
	MaxBodies  = 4 << 20 // bytes
	maxDevices = 4096
)

// Row is one observation on the wire, still encoded.
type Row struct {
	Idx    int64
	Time   int64 // ns UTC
	Device string
	Kind   observation.Kind
	Body   []byte // as it was hashed, or with its personal values when it has a Mask
	Mask   []byte // which fields these are of (personal.Mask); nil for none, or for values that are erased
	Salt   []byte // of the commitment to them

	Public []byte          // of a row with a Mask that came: Body as it was hashed
	Values personal.Values // likewise: what that lacks
}

// Hashed returns the body as the evidence log hashes it.
func (r *Row) Hashed() []byte {
	if r.Public != nil {
		return r.Public
	}
	return r.Body
}

// Record returns the row as the evidence log hashes it.
func (r *Row) Record(class observation.Class) evidence.Record {
	return evidence.Record{Class: uint8(class), Time: r.Time, Kind: uint16(r.Kind), Device: r.Device, Body: r.Hashed()}
}

// timeUnits are the units, largest first, of which a batch's times may be whole multiples.
var timeUnits = []int64{1e9, 1e6, 1e3, 1}

// NewBatch packs rows of one class, which follow the row prev. The rows must be in the order of
// idx. Columns are packed one by one, as differences, so that zstd finds the same bytes again and
// again (docs/wire.md).
func NewBatch(journal []byte, class observation.Class, prev int64, rows []Row) *Batch {
	b := &Batch{Journal: journal, Class: class, Prev: prev}
	unit := commonUnit(rows)
	b.TimeUnitNs = unit
	b.reserve(rows)
	numbers := map[string]uint32{}
	last, lastTime, lastDelta := prev, int64(0), int64(0)
	for i := range rows {
		r := &rows[i]
		b.IdxDelta = append(b.IdxDelta, uint64(r.Idx-last))
		last = r.Idx
		t := r.Time / unit
		if i == 0 {
			b.Time = t
		} else {
			delta := t - lastTime
			b.TimeDelta = append(b.TimeDelta, delta-lastDelta)
			lastDelta = delta
		}
		lastTime = t
		n, ok := numbers[r.Device]
		if !ok {
			n = uint32(len(b.Devices))
			numbers[r.Device] = n
			b.Devices = append(b.Devices, r.Device)
		}
		b.Device = append(b.Device, n)
		b.Kind = append(b.Kind, uint32(r.Kind))
		b.BodyLen = append(b.BodyLen, uint32(len(r.Body)))
		b.Bodies = append(b.Bodies, r.Body...)
		b.addMask(r)
	}
	if len(b.Masks) > 0 {
		b.Bodies, b.ClearBodies = nil, b.Bodies
		b.Mask = squeeze(b.Mask)
	} else {
		b.Mask = nil
	}
	if len(b.Devices) == 1 {
		b.Device = nil
	}
	b.Kind, b.BodyLen = squeeze(b.Kind), squeeze(b.BodyLen)
	return b
}

// reserve makes room for the columns of rows, so that they are not copied as they grow.
func (b *Batch) reserve(rows []Row) {
	n, bytes := len(rows), 0
	for i := range rows {
		bytes += len(rows[i].Body)
	}
	b.IdxDelta, b.TimeDelta = make([]uint64, 0, n), make([]int64, 0, max(n-1, 0))
	b.Device, b.Kind, b.BodyLen, b.Mask = make([]uint32, 0, n), make([]uint32, 0, n), make([]uint32, 0, n), make([]uint32, 0, n)
	b.Bodies = make([]byte, 0, bytes)
}

// commonUnit returns the largest unit of which all times are whole multiples, ns: many devices have
// times in seconds.
func commonUnit(rows []Row) int64 {
	for _, unit := range timeUnits {
		whole := true
		for i := range rows {
			if rows[i].Time%unit != 0 {
				whole = false
				break
			}
		}
		if whole {
			return unit
		}
	}
	return 1
}

// squeeze returns a list whose elements are all the same as a list of one.
func squeeze(v []uint32) []uint32 {
	for _, x := range v {
		if x != v[0] {
			return v
		}
	}
	return v[:min(len(v), 1)]
}

// at returns the element of a row in a list that may be squeezed.
func at(list []uint32, i int) uint32 {
	if len(list) == 1 {
		return list[0]
	}
	return list[i]
}

// Rows unpacks a batch, which came from elsewhere: it checks every bound, and each error says which
// one, in both languages. The bodies are parts of the batch.
func (b *Batch) Rows() ([]Row, error) {
	n := len(b.IdxDelta)
	if err := b.validate(n); err != nil {
		return nil, message.Wrap(err, "batch.is")
	}
	rows, bodies := make([]Row, n), b.bodies()
	idx, t, delta, offset := b.Prev, b.Time, int64(0), 0
	for i := range rows {
		d := b.IdxDelta[i]
		if d == 0 || d > math.MaxInt64 || idx > math.MaxInt64-int64(d) {
			return nil, message.Errorf("batch.idx", message.Int("place", i))
		}
		idx += int64(d)
		if i > 0 {
			delta += b.TimeDelta[i-1]
			t += delta
		}
		device := uint32(0)
		if len(b.Device) > 0 {
			device = b.Device[i]
		}
		if int(device) >= len(b.Devices) {
			return nil, message.Errorf("batch.device", message.Int("place", i), message.Int("device", device),
				message.Int("devices", len(b.Devices)))
		}
		kind, size := at(b.Kind, i), int(at(b.BodyLen, i))
		if kind > math.MaxUint16 || size > len(bodies)-offset {
			return nil, message.Errorf("batch.body", message.Int("place", i), message.Int("kind", kind),
				message.Int("bytes", size), message.Int("offset", offset), message.Int("of", len(bodies)))
		}
		rows[i] = Row{Idx: idx, Time: t * b.TimeUnitNs, Device: b.Devices[device], Kind: observation.Kind(kind), Body: bodies[offset : offset+size : offset+size]}
		offset += size
	}
	if offset != len(bodies) {
		return nil, message.Errorf("batch.rest", message.Count("n", len(bodies)-offset))
	}
	return rows, b.split(rows)
}

// validate checks everything that does not need the rows one by one. n is their number.
func (b *Batch) validate(n int) error {
	squeezed := func(list []uint32) bool { return len(list) == n || len(list) == 1 }
	switch {
	case n == 0 || n > MaxRows:
		return message.Errorf("batch.rows", message.Count("n", n), message.Int("most", MaxRows))
	case leaves[b.Class] == "":
		return message.Errorf("batch.class", message.Int("class", int32(b.Class)))
	case b.Prev < -1:
		return message.Errorf("batch.prev", message.String("prev", strconv.FormatInt(b.Prev, 10)))
	case len(b.TimeDelta) != n-1 || !squeezed(b.Kind) || !squeezed(b.BodyLen) || len(b.Device) != 0 && len(b.Device) != n:
		return message.Errorf("batch.columns")
	case len(b.Devices) == 0 || len(b.Devices) > maxDevices:
		return message.Errorf("batch.devices", message.Count("n", len(b.Devices)), message.Int("most", maxDevices))
	case b.TimeUnitNs < 1 || b.TimeUnitNs > 1e9:
		return message.Errorf("batch.unit", message.String("nanoseconds", strconv.FormatInt(b.TimeUnitNs, 10)))
	}
	for _, d := range b.Devices {
		if d == "" || len(d) > evidence.MaxDeviceLen {
			return message.Errorf("batch.device-id", message.Count("n", len(d)))
		}
	}
	return nil
}
