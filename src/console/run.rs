//! The loop: one owner of the state, input and answers on one select, a frame only when something changed.
//!
//! Nothing here waits for the journal: whatever takes time is a task that answers on the queue.

use std::error::Error;
use std::io;
use std::task::Poll;
use std::time::Duration;

use crossterm::event::Event as Input;
use futures_util::{Stream, StreamExt as _};
use jiff::tz::TimeZone;
use ratatui::Terminal;
use ratatui::backend::Backend;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use super::Settings;
use super::app::App;
use super::ctx::Ctx;
use super::effect::{Effect, Query};
use super::hints::Hints;
use super::idle::Idle;
use super::layers::toast::Tone;
use super::mask::Learnt;
use super::msg::Event;
use super::outside::Window;
use super::perform::{Asked, Envelope, Performer};
use super::script::{Player, Script, Turn};
use super::session::Keeper;
use super::terminal;
use super::theme;
use super::views::Views;
use crate::domain::clock::{SharedClock, Timestamp};
use crate::engine::operate::Operator;
use crate::engine::operate::past::Done;
use crate::journal::Journal;

/// What the console stands on.
pub struct World {
    /// Where facts are read.
    pub journal: Journal,
    /// Where decisions are recorded.
    pub operator: Operator,
    /// Where the time comes from.
    pub clock: SharedClock,
    /// The workspace's name, in the first row: `demo`, `prod`.
    pub title: String,
    /// What the service has to say: each text is shown until it is dismissed.
    pub notices: UnboundedReceiver<String>,
    /// What comes from outside the journal.
    pub home: Home,
    /// To be played before the keys are the operator's.
    pub script: Option<Script>,
    /// What is known beside the journal.
    pub outside: Window,
}

/// Where a console is at home: what it takes up from last time, and word of files that changed.
#[derive(Default)]
pub struct Home {
    /// Where its session is kept, if anywhere.
    pub keeper: Option<Keeper>,
    /// Offer the tour to who has not seen it.
    pub tour: bool,
    /// Word of changed files, as they change.
    pub reload: Option<UnboundedReceiver<Reload>>,
}

/// Word of a file that changed.
#[derive(Debug)]
pub enum Reload {
    /// The settings: the console's part, and what to say.
    Settings(Box<Settings>, String),
    /// Something else is in force now.
    Said(String),
    /// A file is wrong, and what was in force stays.
    Wrong(String),
}

/// How often a script that is played looks at the screen.
const LOOK: Duration = Duration::from_millis(120);

/// How often the journal is asked whether another process changed it.
const POLL: Duration = Duration::from_millis(500);

/// State and tasks of a console without a terminal: [`run`] drives it, and so do tests.
pub struct Console {
    app: App,
    performer: Performer,
    queue: UnboundedReceiver<Envelope>,
    clock: SharedClock,
    /// For the operator's own editor.
    outside: Option<String>,
    /// Questions for rows, one of a list at most: of keys that came together only the last one's is asked.
    held: Vec<Effect>,
    past: UnboundedReceiver<Done>,
    learnt: UnboundedReceiver<Learnt>,
}

impl Console {
    /// A console of a size, before its first frame; nothing is asked yet.
    #[expect(clippy::too_many_arguments, reason = "called twice: by the loop and by the tests' bench")]
    pub fn new(
        journal: Journal,
        operator: Operator,
        clock: SharedClock,
        title: String,
        settings: Settings,
        terminal: theme::Terminal,
        zone: TimeZone,
        size: (u16, u16),
    ) -> Self {
        let (sender, queue) = mpsc::unbounded_channel();
        let terminal = theme::Terminal { light: terminal.light || settings.light_ground, ..terminal };
        let theme = settings.themes.theme(settings.scheme(), terminal);
        let mut ctx = Ctx::new(clock.now(), theme, zone, size);
        let matching = operator.matching();
        ctx.thresholds = (matching.review_probability, matching.auto_probability);
        let wait = Duration::from_secs(u64::from(settings.send_after_seconds));
        let (operator, past) = operator.sending_after(wait).telling();
        let (tell, learnt) = mpsc::unbounded_channel();
        ctx.hints = Hints::of(operator.name());
        let views = Views::read(journal.path().parent(), operator.actor(), !operator.is_read_only());
        let app = App::new(ctx, title, settings, terminal)
            .looking_only(operator.is_read_only())
            .behind(operator.gate())
            .with_views(views);
        let performer = Performer {
            journal,
            operator,
            sender,
            idle: Idle::default(),
            keeper: None,
            learnt: tell,
            asked: Asked::default(),
        };
        Self { app, performer, queue, clock, outside: None, held: Vec::new(), past, learnt }
    }

    /// The same console, with the session it left behind last time; before its first frame.
    #[must_use]
    pub fn at_home(mut self, keeper: Option<Keeper>, tour: bool) -> Self {
        if let Some(mut keeper) = keeper {
            match keeper.read() {
                Ok(Some(session)) => self.app.resume(session),
                Ok(None) => {}
                Err(why) => drop(self.app.event(Event::Notice(why))),
            }
            self.performer.keeper = Some(keeper);
        }
        if tour {
            self.app.offer_tour();
        }
        self
    }

    /// Keeps the session, for when the console is left.
    pub fn keep(&mut self) -> io::Result<()> {
        match &self.performer.keeper {
            Some(keeper) => keeper.write(&self.app.session()),
            None => Ok(()),
        }
    }

    /// Gives it what is known beside the journal.
    pub fn look_outside(&mut self, outside: Window) {
        self.app.ctx.outside = outside;
    }

    /// Asks the first questions.
    pub fn start(&mut self) {
        self.app.ctx.now = self.clock.now();
        let effects = self.app.start();
        self.perform(effects);
    }

    /// A key, click, paste or new size.
    pub fn input(&mut self, input: Input) {
        self.app.ctx.now = self.clock.now();
        let effects = self.app.input(input);
        self.perform(effects);
    }

    /// Something came back, or happened by itself.
    pub fn event(&mut self, event: Event) {
        self.app.ctx.now = self.clock.now();
        while let Ok(people) = self.learnt.try_recv() {
            self.app.learn(people);
        }
        while let Ok(done) = self.past.try_recv() {
            self.app.did(done);
        }
        let effects = self.app.event(event);
        self.perform(effects);
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                // An editor of one's own draws on the same screen, and knows nothing of what is hidden.
                Effect::Outside(_) if self.app.masked() => self.event(Event::Edited(Err(
                    "Personal data is hidden, and your own editor would show it: M shows it again first."
                        .to_owned(),
                ))),
                Effect::Outside(text) => self.outside = Some(text),
                Effect::Load(ticket, Query::Rows { screen, filter, anchor, limit }) => {
                    self.held.retain(|other| {
                        !matches!(other, Effect::Load(_, Query::Rows { screen: of, .. }) if *of == screen)
                    });
                    self.held.push(Effect::Load(ticket, Query::Rows { screen, filter, anchor, limit }));
                }
                effect => self.performer.perform(effect),
            }
        }
    }

    /// Asks for the rows that are wanted by now. Called when everything that came together was handled: a line that is
    /// pasted or typed in one go is one question and not one for each of its letters.
    pub fn ask_for_rows(&mut self) {
        for effect in std::mem::take(&mut self.held) {
            self.performer.perform(effect);
        }
    }

    /// What waits for the operator's own editor; whoever takes it says by [`Event::Edited`] what came of it.
    pub const fn outside(&mut self) -> Option<String> {
        self.outside.take()
    }

    fn take(&mut self, envelope: Envelope) {
        self.event(envelope.event);
        // Only now: what the answer led to is counted already.
        drop(envelope.token);
    }

    /// Handles answers until nothing is under way.
    pub async fn settle(&mut self) {
        self.ask_for_rows();
        while !self.performer.idle.is_idle() {
            match self.queue.recv().await {
                Some(envelope) => self.take(envelope),
                None => return,
            }
            self.ask_for_rows();
        }
    }

    /// The operator wants to leave.
    pub const fn quits(&self) -> bool {
        self.app.quit
    }

    /// What is open; for tests and for drawing.
    pub const fn app(&self) -> &App {
        &self.app
    }

    /// The screen as it is now.
    pub fn frame(&mut self) -> Buffer {
        self.app.ctx.now = self.clock.now();
        let (columns, rows) = self.app.ctx.size;
        let mut buffer = Buffer::empty(Rect::new(0, 0, columns, rows));
        self.app.draw(&mut buffer);
        buffer
    }
}

/// Runs the console until it is left: by `q`, Ctrl-C, a signal, or the end of the input.
pub async fn run<B>(
    mut terminal: Terminal<B>,
    input: impl Stream<Item = io::Result<Input>>,
    world: World,
    settings: Settings,
) -> anyhow::Result<()>
where
    B: Backend,
    B::Error: Error + Send + Sync + 'static,
{
    let size = terminal.size()?;
    let World { journal, operator, clock, title, mut notices, home, script, outside } = world;
    let Home { keeper, tour, mut reload } = home;
    let mut console = Console::new(
        journal.clone(),
        operator,
        clock.clone(),
        title,
        settings,
        theme::Terminal::from_environment(),
        TimeZone::system(),
        (size.width, size.height),
    )
    .at_home(keeper, tour);
    console.look_outside(outside);
    let mut last = None;
    // The frame comes before the first question, so that the screen is there however slow the journal is.
    draw(&mut terminal, &mut console, &mut last)?;
    console.start();
    console.ask_for_rows();
    let feed = tokio::spawn(feed(journal, clock.clone(), console.performer.sender.clone()));
    let mut input = std::pin::pin!(input);
    let mut signals = Signals::new()?;
    let mut second = clock.until(clock.now().plus(Duration::from_secs(1)));
    let mut told = true;
    let mut player = script.map(|script| Player::new(script, clock.now()));
    let mut look = clock.until(clock.now().plus(LOOK));
    while !console.quits() {
        tokio::select! {
            // Keys first: a flood of answers never makes the operator wait.
            biased;
            () = signals.received() => break,
            event = input.next() => match event {
                Some(event) => {
                    let event = event?;
                    if matches!(event, Input::Key(_)) && player.take().is_some() {
                        // Whoever presses a key wants to do something: from now on the keys are theirs.
                        console.app.say(None);
                    } else {
                        take(&mut console, &mut last, event);
                    }
                }
                None => break,
            },
            Some(envelope) = console.queue.recv() => console.take(envelope),
            notice = notices.recv(), if told => match notice {
                Some(text) => console.event(Event::Notice(text)),
                None => told = false,
            },
            Some(word) = heard(&mut reload) => console.event(match word {
                Reload::Settings(settings, said) => Event::Settings(settings, said),
                Reload::Said(text) => Event::Told(text),
                Reload::Wrong(text) => Event::Notice(text),
            }),
            () = &mut look, if player.is_some() => {
                if play(&mut player, &mut console, last.as_ref(), clock.now()) {
                    player = None;
                }
                look = clock.until(clock.now().plus(LOOK));
            }
            () = &mut second => {
                console.event(Event::Second);
                // The word of a new size can be lost between two reads of the terminal; the size itself is not.
                let size = terminal.size()?;
                if (size.width, size.height) != console.app.ctx.size {
                    take(&mut console, &mut last, Input::Resize(size.width, size.height));
                }
                second = clock.until(clock.now().plus(Duration::from_secs(1)));
            }
        }
        for _ in 0..64 {
            if let Ok(envelope) = console.queue.try_recv() {
                console.take(envelope);
            } else if let Some(event) = waiting(&mut input).await {
                take(&mut console, &mut last, event?);
            } else {
                break;
            }
        }
        console.ask_for_rows();
        if let Some(text) = console.outside() {
            hand_over(&mut console, &mut input, &text).await?;
            last = None;
        }
        draw(&mut terminal, &mut console, &mut last)?;
    }
    feed.abort();
    if let Err(error) = console.keep() {
        tracing::warn!(%error, "what was open could not be kept for the next start");
    }
    Ok(())
}

/// Gives the terminal to the operator's own editor and takes it back. Answers wait on the queue meanwhile.
async fn hand_over(
    console: &mut Console,
    input: &mut (impl Stream<Item = io::Result<Input>> + Unpin),
    text: &str,
) -> anyhow::Result<()> {
    terminal::lend();
    // Asked once, the stream lets go of the terminal, so that it takes none of the editor's keys.
    let _ = waiting(input).await;
    let edited = super::editor::edit(text);
    terminal::take_back()?;
    console.event(Event::Edited(edited));
    Ok(())
}

/// The next word of a changed file; never, once nobody says any.
async fn heard(reload: &mut Option<UnboundedReceiver<Reload>>) -> Option<Reload> {
    let word = match reload {
        Some(words) => words.recv().await,
        None => std::future::pending().await,
    };
    if word.is_none() {
        *reload = None;
    }
    word
}

/// A turn of the script that is played; true when it is through.
fn play(player: &mut Option<Player>, console: &mut Console, last: Option<&Buffer>, now: Timestamp) -> bool {
    let Some(player) = player else { return true };
    // What the script says is no part of what it waits for.
    let shown = last.map(|frame| text_of(frame, console.app.stage(frame.area).height));
    match player.turn(now, &shown.unwrap_or_default()) {
        Turn::Nothing => false,
        Turn::Say(words) => {
            console.app.say(Some(words));
            false
        }
        Turn::Press(key) => {
            console.input(Input::Key(key));
            false
        }
        Turn::End(waited) => {
            console.app.say(None);
            match waited {
                None => {
                    console.app.tell(Tone::Good, "That was it. The keys are yours: ? shows them.".to_owned());
                }
                Some(text) => console.app.tell(
                    Tone::Warning,
                    format!("The script waited in vain for \"{text}\". The keys are yours."),
                ),
            }
            true
        }
    }
}

/// What the first rows of a frame show, line by line.
fn text_of(frame: &Buffer, rows: u16) -> String {
    let width = usize::from(frame.area.width).max(1);
    let rows = frame.content.chunks(width).take(usize::from(rows));
    rows.map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect::<String>() + "\n").collect()
}

/// Hands an input on. After a change of size nothing is known of what the terminal shows, even if the size is again
/// the one of the last frame: it is drawn anew.
fn take(console: &mut Console, last: &mut Option<Buffer>, input: Input) {
    if matches!(input, Input::Resize(..)) {
        *last = None;
    }
    console.input(input);
}

/// The next event if there is one already. Polled with the loop's own waker: the terminal's stream keeps the first
/// waker it is given, so one that wakes nobody (`now_or_never`) would leave later keys unseen.
async fn waiting(input: &mut (impl Stream<Item = io::Result<Input>> + Unpin)) -> Option<io::Result<Input>> {
    std::future::poll_fn(|context| match input.poll_next_unpin(context) {
        Poll::Ready(event) => Poll::Ready(event),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// Draws when the frame differs from the last one; otherwise not a byte is written.
fn draw<B>(terminal: &mut Terminal<B>, console: &mut Console, last: &mut Option<Buffer>) -> anyhow::Result<()>
where
    B: Backend,
    B::Error: Error + Send + Sync + 'static,
{
    let frame = console.frame();
    if last.as_ref() == Some(&frame) {
        return Ok(());
    }
    if last.is_none() {
        // Clears and forgets what was drawn, without asking the terminal where its cursor is as `clear` does.
        let size = terminal.size()?;
        terminal.resize(Rect::new(0, 0, size.width, size.height))?;
    }
    terminal.draw(|target| copy(&frame, target.buffer_mut()))?;
    *last = Some(frame);
    Ok(())
}

/// Copies what fits. The terminal may be another size by now than the one the frame was made for; a buffer that
/// grew to the frame's size would not match the terminal's and end the console.
fn copy(frame: &Buffer, target: &mut Buffer) {
    for place in frame.area.intersection(target.area).positions() {
        target[place] = frame[place].clone();
    }
}

/// Tells the loop when the journal changed: at once for this process's commits, soon for those of others.
async fn feed(journal: Journal, clock: SharedClock, sender: UnboundedSender<Envelope>) {
    let mut watch = journal.watch();
    let mut watching = true;
    let mut known = journal.change_number().await.ok();
    let mut reached = true;
    loop {
        tokio::select! {
            changed = watch.changed(), if watching => watching = changed.is_ok(),
            () = clock.until(clock.now().plus(POLL)) => {}
        }
        let event = match journal.change_number().await {
            Ok(number) => {
                let event = if !reached {
                    Some(Event::Reach(Ok(())))
                } else if known != Some(number) {
                    Some(Event::Changed)
                } else {
                    None
                };
                reached = true;
                known = Some(number);
                event
            }
            Err(error) => {
                let event = reached.then(|| Event::Reach(Err(error.to_string())));
                reached = false;
                event
            }
        };
        if let Some(event) = event
            && sender.send(Envelope { event, token: None }).is_err()
        {
            return;
        }
    }
}

/// The signals that end the console; the terminal is put back as after `q`.
pub(super) struct Signals {
    #[cfg(unix)]
    received: [tokio::signal::unix::Signal; 3],
}

impl Signals {
    #[cfg(unix)]
    pub(super) fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let received = [
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
            signal(SignalKind::interrupt())?,
        ];
        Ok(Self { received })
    }

    #[cfg(not(unix))]
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(unix)]
    pub(super) async fn received(&mut self) {
        let [terminate, hangup, interrupt] = &mut self.received;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
            _ = interrupt.recv() => {}
        }
    }

    #[cfg(not(unix))]
    pub(super) async fn received(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
