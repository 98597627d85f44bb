use super::*;
use proptest::prelude::*;

/// A socket that takes so many bytes, and keeps them.
#[derive(Default)]
struct Socket {
    room: usize,
    out: Vec<u8>,
}

impl Socket {
    fn take(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.room == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        let taken = bytes.len().min(self.room);
        self.room -= taken;
        self.out.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn take_all(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
        self.take(&bytes)
    }
}

fn event(n: usize, len: usize) -> Frames {
    Frames::text(&format!("42[{n},\"{}\"]", "x".repeat(len)))
}

/// A passage with its socket and its engine, which writes when it is told to.
#[derive(Default)]
struct Course {
    passage: Passage,
    socket: Socket,
    walker: FrameWalker,
    left: Left,
    /// What the engine was given and has not written.
    engine: VecDeque<Frames>,
    /// Event bytes that it was given.
    queued: u64,
    /// Everything, in the order given.
    given: Vec<Frames>,
}

impl Course {
    fn emit(&mut self, frames: Frames) {
        self.queued += frames.event_bytes();
        self.engine.push_back(frames.clone());
        self.given.push(frames);
    }

    /// Acks, pings: they go their own way.
    fn emit_aside(&mut self, packet: &str) {
        self.engine.push_back(Frames::text(packet));
    }

    fn engine_writes(&mut self, count: usize) {
        let count = count.min(self.engine.len());
        let bytes = Frames::concat(&self.engine.drain(..count).collect::<Vec<_>>());
        let left = self.passage.engine(&mut self.walker, bytes.bytes(), &mut |bytes| self.socket.take(bytes));
        self.left += left.expect("whole messages");
    }

    fn put(&mut self, frames: Frames, most: usize) -> bool {
        match self.passage.put(&frames, self.queued, most, &mut |bytes| self.socket.take(bytes)) {
            Ok(left) => self.left += left,
            Err(Stop::Full) => return false,
            Err(error) => panic!("{error:?}"),
        }
        self.given.push(frames);
        true
    }

    fn flush(&mut self) {
        match self.passage.flush(|slices| self.socket.take_all(slices)) {
            Ok(left) => self.left += left,
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
    }

    /// Lets everything out.
    fn finish(&mut self) {
        self.socket.room = usize::MAX;
        while self.passage.backlog() > 0 {
            self.flush();
        }
        self.engine_writes(usize::MAX);
        while self.passage.backlog() > 0 {
            self.flush();
        }
    }

    /// The complete events that came out, and the bytes behind the last message.
    fn events_out(&self) -> (Vec<Vec<u8>>, usize) {
        let (mut walker, mut rest, mut from) = (FrameWalker::default(), &self.socket.out[..], 0);
        let mut events = Vec::new();
        while !rest.is_empty() {
            let (message, behind) = walker.step(rest);
            rest = behind;
            let at = self.socket.out.len() - rest.len();
            let Some(message) = message else { break };
            if message.is_event() {
                events.push(self.socket.out[from..at].to_vec());
            }
            from = at;
        }
        (events, self.socket.out.len() - from)
    }

    /// What was given is what came out, as far as it came, and it was counted.
    fn holds_good(&self) {
        let (events, _) = self.events_out();
        let mut given = self.given.iter().flat_map(split);
        let mut bytes = 0;
        for event in &events {
            let next = given.next().expect("nothing comes that was not given");
            assert_eq!(String::from_utf8_lossy(event), String::from_utf8_lossy(&next));
            bytes += Frames::whole(Bytes::copy_from_slice(event)).expect("a frame").event_bytes();
        }
        assert_eq!(self.left, Left { bytes: self.socket.out.len(), events: bytes });
    }
}

fn split(frames: &Frames) -> Vec<Vec<u8>> {
    let (mut walker, mut rest, mut parts) = (FrameWalker::default(), &frames.bytes()[..], Vec::new());
    while !rest.is_empty() {
        let before = rest;
        rest = walker.step(rest).1;
        parts.push(before[..before.len() - rest.len()].to_vec());
    }
    parts
}

fn roomy() -> Course {
    Course { socket: Socket { room: usize::MAX, out: Vec::new() }, ..Course::default() }
}

#[test]
fn what_is_put_leaves_at_once_and_nothing_is_kept() {
    let mut course = roomy();
    assert!(course.put(event(1, 10), 0));
    course.holds_good();
    assert_eq!(course.events_out().0.len(), 1);
    assert!(course.passage.rest.is_none());
}

#[test]
fn what_is_put_behind_an_emitted_event_waits_until_the_engine_has_written_it() {
    let mut course = roomy();
    course.emit(event(1, 10));
    course.emit_aside("2");
    assert!(course.put(event(2, 10), 1000));
    course.emit(event(3, 10));
    assert!(course.put(event(4, 10), 1000));
    assert_eq!(course.events_out().0.len(), 0);
    // The engine writes all it has at once: the one that was put comes between.
    course.engine_writes(3);
    assert_eq!(course.events_out().0.len(), 4);
    course.holds_good();
    assert!(course.passage.settle());
}

#[test]
fn a_bound_counts_what_the_engine_still_has_and_lets_one_that_is_larger_pass_alone() {
    let mut course = roomy();
    course.emit(event(1, 100));
    assert!(!course.put(event(2, 1), 100), "too much with what the engine has");
    course.engine_writes(1);
    course.socket.room = 0;
    assert!(course.put(event(2, 1000), 100), "nothing else waits");
    assert!(!course.put(event(3, 1), 100));
    course.finish();
    course.holds_good();
}

#[test]
fn half_a_frame_from_the_engine_is_an_error() {
    let mut course = roomy();
    let frame = event(1, 10);
    let half = &frame.bytes()[..5];
    let written = course.passage.engine(&mut course.walker, half, &mut |bytes| course.socket.take(bytes));
    assert!(matches!(written, Err(Stop::Torn)));
}

#[test]
fn a_broken_socket_is_an_error() {
    let mut broken = |_: &[u8]| Err(ErrorKind::BrokenPipe.into());
    assert!(matches!(Passage::default().put(&event(1, 1), 0, 0, &mut broken), Err(Stop::Broken(_))));
}

#[derive(Clone, Debug)]
enum Step {
    Emit(usize),
    Aside,
    EngineWrites(usize),
    Put(Vec<usize>),
    Room(usize),
    Flush,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0usize..200).prop_map(Step::Emit),
        Just(Step::Aside),
        (1usize..5).prop_map(Step::EngineWrites),
        prop::collection::vec(0usize..200, 1..4).prop_map(Step::Put),
        (0usize..600).prop_map(Step::Room),
        Just(Step::Flush),
    ]
}

proptest! {
    #[test]
    fn events_come_out_whole_and_in_the_order_given_whoever_wrote_them(
        steps in prop::collection::vec(step(), 0..120),
    ) {
        const MOST: usize = 1000;
        let (mut course, mut n) = (Course::default(), 0);
        for step in steps {
            let mut next = |len| { n += 1; event(n, len) };
            match step {
                Step::Emit(len) => course.emit(next(len)),
                Step::Aside => course.emit_aside("2"),
                Step::EngineWrites(count) => course.engine_writes(count),
                Step::Put(lens) => {
                    let frames: Vec<_> = lens.into_iter().map(&mut next).collect();
                    let (frames, waited) = (Frames::concat(&frames), course.passage.waiting(course.queued));
                    let fits = waited == 0 || waited + frames.len() <= MOST;
                    prop_assert_eq!(course.put(frames, MOST), fits);
                }
                Step::Room(room) => course.socket.room = room,
                Step::Flush => course.flush(),
            }
            course.holds_good();
        }
        course.finish();
        course.holds_good();
        prop_assert_eq!(course.events_out(), (course.given.iter().flat_map(split).collect(), 0));
        prop_assert!(course.passage.settle());
        prop_assert_eq!(course.passage.passed() + course.passage.put_bytes(), course.left.events);
    }

    #[test]
    fn frames_are_taken_only_whole(cut in 1usize..30, len in 0usize..30) {
        let whole = event(1, len);
        prop_assert_eq!(Frames::whole(whole.bytes().clone()), Some(whole.clone()));
        let cut = cut.min(whole.len() - 1);
        prop_assert_eq!(Frames::whole(whole.bytes().slice(..cut)), None);
    }
}

#[test]
fn masked_frames_are_not_a_servers() {
    assert_eq!(Frames::whole(Bytes::from_static(&[0x81, 0x81, 1, 2, 3, 4, 5])), None);
    assert_eq!(Frames::whole(Bytes::new()), Some(Frames::default()));
}

#[test]
fn a_text_frame_of_each_length_is_whole() {
    for len in [0, 120, 126, 127, 65_530, 65_536, 100_000] {
        let packet = format!("42{}", "x".repeat(len));
        let frames = Frames::text(&packet);
        assert_eq!(Frames::whole(frames.bytes().clone()), Some(frames.clone()));
        assert_eq!(frames.event_bytes(), packet.len() as u64);
    }
}
