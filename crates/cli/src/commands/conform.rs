//! `helio conform`: the WHIP and WHEP checklist, asked of any server.

use conform::{Finding, Target, Url, Verdict, examine};
use serde_json::json;

use crate::arguments::{ConformArguments, DeviceArguments, OutputArguments};
use crate::device_home::given_authority;
use crate::output::{self, Failure, plain};

/// How wide the word before a row is, and its name.
const WORD: usize = 8;
const NAME: usize = 3;

pub(crate) fn run(
    device: &DeviceArguments,
    output: OutputArguments,
    arguments: &ConformArguments,
) -> Result<(), Failure> {
    let target = target(device, arguments)?;
    let runtime = tokio::runtime::Runtime::new().map_err(Failure::because)?;
    let examined = runtime.block_on(examine(target, |finding| tell(finding, output)));
    let findings = examined.map_err(|error| Failure::Unreachable(plain(&error.to_string())))?;
    let count = |is_it: fn(&Verdict) -> bool| {
        findings
            .iter()
            .filter(|finding| is_it(&finding.verdict))
            .count()
    };
    let passed = count(|verdict| *verdict == Verdict::Passed);
    let failed = count(|verdict| matches!(verdict, Verdict::Failed(_)));
    let untold = count(|verdict| matches!(verdict, Verdict::Untold(_)));
    if output.json {
        let verdict =
            json!({ "event": "verdict", "passed": passed, "failed": failed, "untold": untold });
        output::json_line(&verdict);
    }
    let words = format!("{passed} rows hold, {failed} do not, {untold} cannot be told");
    match failed {
        0 if output.json => Ok(()),
        0 => {
            output::line(words);
            Ok(())
        }
        _ => Err(Failure::Failed(words)),
    }
}

fn target(device: &DeviceArguments, arguments: &ConformArguments) -> Result<Target, Failure> {
    let whip = url(&arguments.whip)?;
    let whep = match &arguments.whep {
        Some(whep) => url(whep)?,
        None => beside(&whip).ok_or_else(|| {
            let hint = "the URL does not end with whip: name the other endpoint with --whep";
            Failure::Usage(hint.to_owned())
        })?,
    };
    let publish_token = arguments.token.clone();
    Ok(Target {
        whip,
        whep,
        view_token: arguments
            .view_token
            .clone()
            .or_else(|| publish_token.clone()),
        publish_token,
        authorities: given_authority(device)?,
        is_patient: arguments.patient,
    })
}

fn url(text: &str) -> Result<Url, Failure> {
    Url::parse(text).map_err(|error| Failure::Usage(format!("{}: {error}", plain(text))))
}

/// The WHEP endpoint that goes with a WHIP endpoint, as most servers name them.
fn beside(whip: &Url) -> Option<Url> {
    let path = whip.path().strip_suffix("whip")?;
    let mut whep = whip.clone();
    whep.set_path(&format!("{path}whep"));
    Some(whep)
}

fn tell(finding: &Finding, output: OutputArguments) {
    if output.json {
        let mut fact = json!({ "event": "row" });
        if let (Some(fact), Ok(finding)) = (fact.as_object_mut(), serde_json::to_value(finding)) {
            fact.extend(finding.as_object().cloned().unwrap_or_default());
        }
        return output::json_line(&fact);
    }
    let (word, why) = match &finding.verdict {
        Verdict::Passed => ("ok", None),
        Verdict::Failed(why) => ("FAULT", Some(why)),
        Verdict::Untold(why) => ("not told", Some(why)),
    };
    output::line(format!(
        "{word:WORD$}  {:NAME$}  {}",
        finding.row, finding.says
    ));
    if let Some(why) = why {
        output::line(format!("{:WORD$}  {:NAME$}  {}", "", "", plain(why)));
    }
}
