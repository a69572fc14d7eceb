//! Devices: who still stands, what they are called, how they are cut off.

use identity::VerifiedRecord;
use protocol::http;
use protocol::id::{AccountId, DeviceId};
use protocol::problem::ProblemCode;
use registry::{DatabaseError, Device, DeviceError, RecordUpdateError, RenameError};

use super::{Control, failed};
use crate::clock::unix_now_ms;
use crate::http::refused::Refused;

impl Control {
    /// A device that is known and not revoked; `None` otherwise.
    pub(crate) async fn look_up_device(
        &self,
        id: &DeviceId,
    ) -> Result<Option<Device>, DatabaseError> {
        Ok(self
            .registry
            .device(id)
            .await?
            .filter(|device| !device.is_revoked()))
    }

    /// A device that is known and not revoked.
    ///
    /// # Errors
    /// `unknown-device` or `revoked`.
    pub(crate) async fn standing_device(&self, id: &DeviceId) -> Result<Device, Refused> {
        match self.registry.device(id).await.map_err(failed)? {
            None => Err(ProblemCode::UnknownDevice.into()),
            Some(device) if device.is_revoked() => Err(ProblemCode::Revoked.into()),
            Some(device) => Ok(device),
        }
    }

    /// The devices of an account, or of all; `asking` is marked as itself.
    pub(crate) async fn devices(
        &self,
        account: Option<&AccountId>,
        asking: Option<&DeviceId>,
    ) -> Result<Vec<http::Device>, Refused> {
        let devices = match account {
            Some(account) => self.registry.devices_of_account(account).await,
            None => self.registry.all_devices().await,
        };
        let devices: Vec<Device> = devices
            .map_err(failed)?
            .into_iter()
            .filter(|device| !device.is_revoked())
            .collect();
        let ids = devices.iter().map(|device| device.id().clone()).collect();
        let online = self.online(ids).await;
        let described = devices.into_iter().zip(online);
        Ok(described
            .map(|(device, is_online)| describe(device, is_online, asking))
            .collect())
    }

    /// One device as lists show it.
    pub(crate) async fn device(
        &self,
        id: &DeviceId,
        asking: Option<&DeviceId>,
    ) -> Result<http::Device, Refused> {
        let device = self.standing_device(id).await?;
        let online = self.online(vec![id.clone()]).await;
        Ok(describe(
            device,
            online.first().copied().unwrap_or(false),
            asking,
        ))
    }

    pub(crate) async fn rename_device(&self, id: &DeviceId, label: &str) -> Result<(), Refused> {
        self.registry
            .rename_device(id, label)
            .await
            .map_err(rename_refused)
    }

    pub(crate) async fn put_record(&self, record: &VerifiedRecord) -> Result<(), Refused> {
        let stored = self.registry.put_record(record).await;
        stored.map(drop).map_err(|error| match error {
            RecordUpdateError::NotFound => ProblemCode::UnknownDevice.into(),
            RecordUpdateError::Revoked => ProblemCode::Revoked.into(),
            RecordUpdateError::Database(error) => failed(error),
            stale => Refused::because(ProblemCode::Conflict, stale),
        })
    }

    /// Cuts a device off: its pairs end, its sockets close, its relays vanish.
    pub(crate) async fn revoke_device(
        &self,
        id: &DeviceId,
        by: Option<&AccountId>,
    ) -> Result<(), Refused> {
        let revoked = self.registry.revoke_device(id, by, unix_now_ms()).await;
        revoked.map_err(|error| match error {
            DeviceError::NotFound => ProblemCode::NotFound.into(),
            DeviceError::Database(error) => failed(error),
        })?;
        metrics::counter!("helio_revocations_total", "kind" => "device").increment(1);
        if let Some(live) = self.live.get() {
            live.signalling.revoke_device(id.clone()).await;
            live.turn.revoke(id.as_str());
        }
        Ok(())
    }
}

pub(super) fn rename_refused(error: RenameError) -> Refused {
    match error {
        RenameError::NotFound => ProblemCode::NotFound.into(),
        RenameError::Label(error) => Refused::because(ProblemCode::NameInvalid, error),
        RenameError::Database(error) => failed(error),
    }
}

fn describe(device: Device, online: bool, asking: Option<&DeviceId>) -> http::Device {
    let record = device.record;
    http::Device {
        is_self: asking == Some(&record.device_id),
        device_id: record.device_id,
        name: record.name,
        label: device.label,
        kind: record.kind,
        created: record.created,
        last_seen: device.last_seen_ms,
        online,
        role: device.role,
    }
}
