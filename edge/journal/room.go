package journal

import (
	"lanewarden/drivers/driver"
	"lanewarden/drivers/observation"
)

// Room is what the disk budget leaves room for.
type Room int32

// The rooms, in the order in which a disk fills.
const (
	RoomForAll    Room = iota
	RoomForEvents      // and alarms: telemetry is refused
	RoomForAlarms      // telemetry, events and artifacts are refused
)

// SetRoom sets what Commit and StoreArtifact accept from now on.
func (j *Journal) SetRoom(r Room) { j.room.Store(int32(r)) }

// Room returns what Commit and StoreArtifact accept.
func (j *Journal) Room() Room { return Room(j.room.Load()) }

// roomFor returns driver.ErrNoRoom when there is no room for observations of a class.
func (j *Journal) roomFor(class observation.Class) error {
	switch room := j.Room(); {
	case class == observation.Class_CLASS_TELEMETRY && room >= RoomForEvents,
		class == observation.Class_CLASS_EVENT && room >= RoomForAlarms:
		return driver.ErrNoRoom
	}
	return nil
}
