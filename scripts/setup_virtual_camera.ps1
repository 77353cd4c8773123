# Makes a virtual camera on Windows: that of OBS Studio, installed by winget where it is missing.
#
#   powershell -ExecutionPolicy Bypass -File scripts\setup_virtual_camera.ps1
#
# Registering the camera takes an administrator. There is one such camera, and one program can write it at a time.
$ErrorActionPreference = 'Stop'

function Fail([string] $Text) {
    Write-Host "error: $Text" -ForegroundColor Red
    exit 1
}

if ($PSVersionTable.PSEdition -eq 'Core' -and -not $IsWindows) {
    Fail 'This is for Windows. On Linux use scripts/setup_virtual_camera.sh; on macOS install OBS Studio 30 or newer.'
}

$obs = Join-Path $env:ProgramFiles 'obs-studio'
if (-not (Test-Path (Join-Path $obs 'bin\64bit\obs64.exe'))) {
    if (-not (Get-Command winget -ErrorAction SilentlyContinue)) {
        Fail 'OBS Studio is not installed, and winget is not there to install it: get it from https://obsproject.com.'
    }
    Write-Host 'OBS Studio is not installed: installing it by winget.'
    winget install --id OBSProject.OBSStudio --exact --accept-package-agreements --accept-source-agreements
    if ($LASTEXITCODE -ne 0 -or -not (Test-Path (Join-Path $obs 'bin\64bit\obs64.exe'))) {
        Fail 'OBS Studio could not be installed.'
    }
}

# The class that OBS registers its camera under.
$class = 'HKLM:\SOFTWARE\Classes\CLSID\{A3FCE0F5-3493-419F-958A-ABA1250EC20B}'
if (-not (Test-Path $class)) {
    $identity = [Security.Principal.WindowsPrincipal] [Security.Principal.WindowsIdentity]::GetCurrent()
    if (-not $identity.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)) {
        Fail 'The camera of OBS is not registered, which takes an administrator: run this in an elevated PowerShell.'
    }
    $folder = Join-Path $obs 'data\obs-plugins\win-dshow'
    foreach ($file in 'obs-virtualcam-module32.dll', 'obs-virtualcam-module64.dll') {
        $module = Join-Path $folder $file
        if (-not (Test-Path $module)) { Fail "$module is missing: install OBS Studio 28 or newer." }
        $registering = Start-Process regsvr32.exe -ArgumentList '/s', "`"$module`"" -Wait -PassThru
        if ($registering.ExitCode -ne 0) { Fail "$file could not be registered (status $($registering.ExitCode))." }
    }
}
if (-not (Test-Path $class)) { Fail 'The camera of OBS is still not registered: open OBS Studio once, press Start Virtual Camera, and stop it again.' }

Write-Host 'The OBS Virtual Camera is ready. Do not start it in OBS itself while Lianpu writes it.'
Write-Host 'Next: lianpu camera check'
